"""The contract of the audit log as tests, and a log in memory for tests of what writes to it."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from symbi.contracts.audit import AuditFailed, AuditLog, AuditRecord, AuditVerdict
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.masking import mask, mask_text
from symbi.contracts.principal import Principal

__all__ = ["AuditLogContract", "MemoryAuditLog"]

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}(\.[a-z0-9_-]{1,64}){0,7}")


class MemoryAuditLog:
    """An audit log that forgets everything with the test; set `full` and every append raises `AuditFailed`, as on a full disk."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.full = False

    async def append(
        self,
        kind: str,
        *,
        principal: Principal | str,
        subject: str = "",
        outcome: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> AuditRecord:
        """Keep one record."""
        if not _KIND.fullmatch(kind):
            raise InvalidRequest(f"{kind!r} is no kind of audit record")
        if self.full:
            raise AuditFailed("the audit log of this test is full")
        fields = {
            "seq": len(self.records) + 1,
            "at": "2026-01-01T00:00:00Z",
            "kind": kind,
            "principal": principal.id if isinstance(principal, Principal) else principal,
            "subject": mask_text(subject),
            "outcome": outcome,
            "details": mask(details or {}),
            "previous": self.records[-1].hash if self.records else "0" * 64,
        }
        digest = hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()
        self.records.append(AuditRecord(**fields, hash=digest))
        return self.records[-1]

    async def read(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        kind: str = "",
        principal: str = "",
        subject: str = "",
        newest_first: bool = False,
    ) -> Sequence[AuditRecord]:
        """Return a page of records."""
        records = [
            each for each in self.records if not after or (each.seq < after if newest_first else each.seq > after)
        ]
        if newest_first:
            records.reverse()
        if kind:
            records = [each for each in records if each.kind == kind or each.kind.startswith(f"{kind}.")]
        return [each for each in records if principal in ("", each.principal) and subject in ("", each.subject)][:limit]

    async def verify(self) -> AuditVerdict:
        """Nothing can have changed."""
        return AuditVerdict(ok=True, records=len(self.records))


class AuditLogContract:
    """What every audit log must do; subclass it and give a fixture `audit_log`."""

    async def test_it_is_an_audit_log(self, audit_log: AuditLog) -> None:
        assert isinstance(audit_log, AuditLog)

    async def test_records_are_numbered_without_gaps_and_chained(self, audit_log: AuditLog) -> None:
        written = await asyncio.gather(
            *(audit_log.append("test.entry", principal="user:ann", subject=str(n)) for n in range(50))
        )
        records = await audit_log.read(limit=1000)
        numbers = [record.seq for record in records]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        for before, record in itertools.pairwise(records):
            assert record.previous == before.hash
        assert {record.seq for record in written} <= set(numbers)
        assert (await audit_log.verify()).ok

    async def test_a_record_comes_back_as_it_was_written(self, audit_log: AuditLog) -> None:
        principal = Principal(id="key:7", kind="key", display_name="not this")
        written = await audit_log.append(
            "key.created", principal=principal, subject="key:9", outcome="done", details={"n": [1, None, "ü"]}
        )
        (record,) = await audit_log.read(kind="key", limit=1, newest_first=True)
        assert record == written
        assert (record.principal, record.details) == ("key:7", {"n": [1, None, "ü"]})

    async def test_secrets_are_masked(self, audit_log: AuditLog) -> None:
        secret = "sk-or-v1-0123456789abcdef0123"
        await audit_log.append(
            "test.entry",
            principal="x",
            subject=f"of {secret}",
            details={"a": [f"see {secret}"], "password": "hunter22"},
        )
        text = repr(await audit_log.read(limit=1000))
        assert secret not in text
        assert "hunter22" not in text

    @pytest.mark.parametrize("kind", ["", "Upper", "a b", "a..b", "a\n"])
    async def test_a_wrong_kind_is_an_invalid_request(self, audit_log: AuditLog, kind: str) -> None:
        with pytest.raises(InvalidRequest):
            await audit_log.append(kind, principal="x")

    async def test_pages_and_filters(self, audit_log: AuditLog) -> None:
        for number in range(10):
            await audit_log.append("a.b" if number % 2 else "ab.c", principal=f"user:{number % 3}", subject=str(number))
        top = (await audit_log.read(limit=1, newest_first=True))[0].seq
        assert [record.subject for record in await audit_log.read(after=top - 3)] == ["7", "8", "9"]
        assert [record.subject for record in await audit_log.read(kind="a", limit=2)] == ["1", "3"]
        assert [record.subject for record in await audit_log.read(after=top, newest_first=True, limit=2)] == ["8", "7"]
        assert [record.subject for record in await audit_log.read(principal="user:0", kind="ab", limit=9)] == ["0", "6"]
        assert await audit_log.read(after=top) == []
