"""The audit log: one append-only, hash-chained record of what was decided and done, by whom, to what.

The gate, the keys, the review and every other security path append to it; whoever can read the files can check them offline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from symbi.contracts.errors import Unavailable
from symbi.contracts.principal import Principal

__all__ = ["AuditFailed", "AuditLog", "AuditRecord", "AuditVerdict"]


class AuditFailed(Unavailable):
    """The audit log cannot be written, so whatever was to be recorded must not be done."""

    code = "AUDIT_UNAVAILABLE"


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record; `hash` covers all other fields, `previous` is the hash of the record before, so that a change anywhere shows.

    `seq` counts from 1 without gaps. `at` is RFC 3339 UTC in milliseconds. `kind` says what happened (`policy.decision`, `key.created` …),
    `principal` is the id of who caused it, `subject` names what it was done to, `outcome` how it ended (`allow`, `deny`, `done` …).
    `details` is JSON-ready data with its secrets masked.
    """

    seq: int
    at: str
    kind: str
    principal: str
    subject: str
    outcome: str
    details: dict[str, Any]
    previous: str
    hash: str


class AuditVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The result of checking the log: `records` were read, `first_bad` is the first sequence number that does not hold, and why."""

    ok: bool
    records: int
    first_bad: int | None = None
    reason: str = ""


@runtime_checkable
class AuditLog(Protocol):
    """The log of this runtime. Provided by the plugin `audit`; a security path that finds none must refuse to act."""

    async def append(
        self,
        kind: str,
        *,
        principal: Principal | str,
        subject: str = "",
        outcome: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> AuditRecord:
        """Write one record and return it once it is durable; secrets in `details` and `subject` are masked first.

        Raises `AuditFailed` when it cannot be written: the caller must then not do what it wanted to record. `InvalidRequest` when
        `kind` is no dotted lower-case word or the record would be larger than the limit. If the caller is cancelled, the record may
        still be written.
        """

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
        """Return up to `limit` records in order of `seq`, those that match every filter that is not empty.

        `after` is exclusive: the last `seq` that the caller has seen (with `newest_first` the next page is below it; 0 = from the top).
        `kind` also matches what starts with it and a dot (`policy` finds `policy.decision`).
        """

    async def verify(self) -> AuditVerdict:
        """Check every record, checkpoint and the anchor on disk; a bad log is a verdict, never an exception."""
