"""The service: durable appends, reading, masking, bounds, full disks, retention, privacy of the files."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.audit import AuditFailed, AuditLog
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi_audit.anchor import read_anchor
from symbi_audit.config import AuditConfig, AuditPlaces
from symbi_audit.segments import list_segments
from symbi_audit.service import AuditService
from symbi_audit.verify import verify_log

OpenLog = Callable[..., AbstractAsyncContextManager[AuditService]]


async def fill(log: AuditService, count: int, kind: str = "test.entry") -> None:
    await asyncio.gather(*(log.append(kind, principal="user:ann", subject=f"thing:{n}") for n in range(count)))


async def test_what_was_appended_is_on_disk_before_the_answer(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log() as log:
        assert isinstance(log, AuditLog)
        record = await log.append(
            "key.created",
            principal=Principal(id="key:7", kind="key"),
            subject="key:9",
            outcome="done",
            details={"n": 1},
        )
        assert record.hash.encode() in b"".join(segment.path.read_bytes() for segment in list_segments(places.folder))
        assert (record.seq, record.principal, record.details) == (2, "key:7", {"n": 1})
        assert (await log.verify()).ok
        assert (await log.health()).state == "healthy"


async def test_the_chain_goes_on_over_restarts_and_says_when(open_log: OpenLog, places: AuditPlaces) -> None:
    for _ in range(3):
        async with open_log() as log:
            await fill(log, 5)
    verdict = verify_log(places)
    assert (verdict.ok, verdict.records) == (True, 3 * 7)
    async with open_log() as log:
        kinds = [record.kind for record in await log.read(limit=1000)]
    assert kinds.count("audit.opened") == 4
    assert kinds.count("audit.closed") == 3


async def test_reading_pages_filters_and_both_directions(open_log: OpenLog) -> None:
    async with open_log(segment_bytes=4096) as log:
        for number in range(120):
            await log.append(
                "policy.decision" if number % 3 == 0 else "policies.reloaded",
                principal=f"user:{number % 2}",
                subject=str(number),
            )
        everything = await log.read(limit=1000)
        assert [record.seq for record in everything] == list(range(1, 122))
        assert [record.seq for record in await log.read(after=57, limit=3)] == [58, 59, 60]
        assert [record.seq for record in await log.read(after=57, limit=3, newest_first=True)] == [56, 55, 54]
        assert [record.seq for record in await log.read(limit=2, newest_first=True)] == [121, 120]
        assert [record.seq for record in await log.read(limit=1000, newest_first=True)] == list(range(121, 0, -1))
        assert len(await log.read(kind="policy", limit=1000)) == 40
        assert len(await log.read(kind="policy.decision", principal="user:0", limit=1000)) == 20
        assert [record.subject for record in await log.read(subject="77", limit=9)] == ["77"]
        assert await log.read(after=121) == []


async def test_secrets_are_masked_before_they_are_written(open_log: OpenLog, places: AuditPlaces) -> None:
    canaries = [
        "sk-or-v1-0123456789abcdef0123",
        "ghp_0123456789abcdefghij0123",
        "hunter2hunter2",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
    ]
    async with open_log() as log:
        await log.append(
            "policy.decision",
            principal="user:ann",
            subject=f"tool:{canaries[0]}",
            details={
                "arguments": {
                    "text": f"use {canaries[1]} now",
                    "password": canaries[2],
                    "deep": [{"x": [canaries[3]]}],
                },
                "prompt_tokens": 12,
            },
        )
        (record,) = await log.read(kind="policy", limit=1)
    content = b"".join(path.read_bytes() for path in places.folder.iterdir())
    for canary in canaries:
        assert canary.encode() not in content
    assert record.details["arguments"]["password"] == "***"
    assert record.details["prompt_tokens"] == 12


async def test_hostile_details_are_written_all_the_same(open_log: OpenLog, places: AuditPlaces) -> None:
    deep: Any = "end"
    for _ in range(500):
        deep = [deep]
    loop: dict[str, Any] = {}
    loop["self"] = loop
    async with open_log() as log:
        for details in (
            {"a": "\ud800"},
            {"\udfff": 1},
            {"n": 10**400},
            {"f": float("nan")},
            {"d": deep},
            {"l": loop},
            {1: {2, 3}},
            {"b": b"\0"},
            {"o": object()},
        ):
            await log.append("test.hostile", principal="user:\ud800", subject="\ud800", details=details)
        big = await log.append("test.hostile", principal="x", details={"text": "x" * 200_000})
        assert big.details["cut"] is True
        assert big.details["bytes"] > 200_000
    assert verify_log(places).ok


@pytest.mark.parametrize("kind", ["", "Policy", "a b", "a..b", ".a", "a\n", "a" * 100])
async def test_a_kind_is_dotted_lower_case(open_log: OpenLog, kind: str) -> None:
    async with open_log() as log:
        with pytest.raises(InvalidRequest):
            await log.append(kind, principal="x")


async def test_a_checkpoint_follows_at_most_a_second_later(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log() as log:
        record = await log.append("test.entry", principal="x")
        deadline = time.monotonic() + 3
        while (anchor := read_anchor(places.anchor)) is None or anchor.seq < record.seq:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert anchor.hash == record.hash
        assert time.monotonic() > deadline - 2.5


async def test_files_are_private(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log() as log:
        await fill(log, 3)
    for path in [*places.folder.iterdir(), places.anchor]:
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert places.folder.stat().st_mode & 0o777 == 0o700


class FullDisk:
    """Makes `os.write` of the segment fail half way, as a disk that fills up does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._real = os.write
        monkeypatch.setattr("symbi_audit.segment_file.os.write", self.write)

    def write(self, fd: int, content: bytes) -> int:
        if self.full and len(content) > 10:
            self._real(fd, bytes(content[:10]))
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._real(fd, content)


async def test_sec_5_a_full_disk_stops_what_must_be_recorded_and_heals(
    open_log: OpenLog, places: AuditPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    async with open_log() as log:
        await fill(log, 3)
        disk.full = True
        with pytest.raises(AuditFailed, match="No space left"):
            await log.append("test.refused", principal="x")
        assert (await log.health()).state == "unhealthy"
        disk.full = False
        await log.append("test.again", principal="x")
        assert (await log.health()).state == "healthy"
        assert await log.read(kind="test.refused") == []
    assert verify_log(places).ok


async def test_a_disk_that_fails_altogether_is_refused_until_a_restart_has_looked(
    open_log: OpenLog, places: AuditPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async with open_log() as log:
        await fill(log, 3)
        with monkeypatch.context() as broken:
            broken.setattr("symbi_audit.segment_file.os.fdatasync", fail)
            broken.setattr("symbi_audit.segment_file.os.ftruncate", fail)
            with pytest.raises(AuditFailed, match="Input/output error"):
                await log.append("test.doubtful", principal="x")
        with pytest.raises(AuditFailed, match="in doubt"):
            await log.append("test.refused", principal="x")
        assert (await log.health()).state == "unhealthy"
    async with open_log() as log:
        await log.append("test.again", principal="x")
        assert await log.read(kind="test.refused") == []
    assert verify_log(places).ok


async def test_without_strict_lost_records_are_counted_in_the_log(
    open_log: OpenLog, places: AuditPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    async with open_log(strict=False) as log:
        disk.full = True
        for _ in range(3):
            assert (await log.append("test.lost", principal="x")).seq == 0
        disk.full = False
        await log.append("test.again", principal="x")
        (lost,) = await log.read(kind="audit.lost")
    assert lost.details == {"records": 3}
    assert verify_log(places).ok


async def test_retention_removes_whole_segments_and_the_rest_still_holds(
    open_log: OpenLog, places: AuditPlaces
) -> None:
    async with open_log(segment_bytes=8192, keep_bytes=30_000) as log:
        for _ in range(20):
            await fill(log, 30)
        first = (await log.read(limit=1))[0].seq
        assert first > 1
        assert await log.read(kind="audit.trimmed", limit=1)
        assert sum(segment.path.stat().st_size for segment in list_segments(places.folder)) < 60_000
        assert (await log.verify()).ok
    verdict = verify_log(places)
    assert verdict.ok, verdict.reason
    list_segments(places.folder)[0].path.unlink()
    assert not verify_log(places).ok, "a removal that is no retention shows"


async def test_old_segments_go_by_age(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log(segment_bytes=8192) as log:
        for _ in range(5):
            await fill(log, 30)
    for segment in list_segments(places.folder)[:2]:
        os.utime(segment.path, (1, 1))
    async with open_log(segment_bytes=8192, keep_days=30) as log:
        for _ in range(3):
            await fill(log, 30)
        assert (await log.read(limit=1))[0].seq > 1
    assert verify_log(places).ok


async def test_a_second_process_keeps_a_log_of_its_own(open_log: OpenLog, data_dir: Path) -> None:
    async with open_log() as one, open_log() as two:
        await asyncio.gather(fill(one, 50), fill(two, 50))
        assert one.places != two.places
    logs = AuditConfig().all_places(data_dir)
    assert [verify_log(log).records for log in logs] == [52, 52]


async def test_a_cancelled_caller_disturbs_nobody(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log() as log:
        tasks = [asyncio.ensure_future(log.append("test.entry", principal="x")) for _ in range(40)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(not isinstance(result, BaseException) for result in results[1::2])
    assert verify_log(places).ok


async def test_a_key_that_others_can_read_or_that_is_gone_is_refused(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log() as log:
        await fill(log, 1)
    key = places.folder / "key.pem"
    key.chmod(0o644)
    with pytest.raises(AuditFailed, match="readable by others"):
        async with open_log():
            pytest.fail("it must not open")
    key.unlink()
    with pytest.raises(AuditFailed, match="is gone"):
        async with open_log():
            pytest.fail("it must not open")


async def test_a_folder_that_cannot_be_made_is_refused(open_log: OpenLog, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "audit").write_text("")
    with pytest.raises(AuditFailed, match=r"plugins\.audit\.directory"):
        async with open_log():
            pytest.fail("it must not open")
