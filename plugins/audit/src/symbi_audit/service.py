"""The service `AuditLog`: masks, appends, reads, checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from symbi.contracts.audit import AuditFailed, AuditRecord, AuditVerdict
from symbi.contracts.errors import StoreLocked, SymbiError
from symbi.contracts.health import Health, healthy, unhealthy
from symbi.contracts.principal import Principal
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi.store.lock import OwnerLock
from symbi_audit.chain import Checkpoint, LineError, canonical, read_line
from symbi_audit.config import AuditConfig, AuditPlaces
from symbi_audit.content import record_fields
from symbi_audit.recover import Tail, open_tail
from symbi_audit.segments import backwards, forwards
from symbi_audit.verify import verify_log
from symbi_audit.writer import ChainWriter

__all__ = ["AuditService", "open_audit"]

_log = logging.getLogger("symbi.audit")
MOST_LOGS = 64
DEADLINE = 15.0


class AuditService:
    """The log of this process; implements `symbi.contracts.audit.AuditLog`."""

    def __init__(self, places: AuditPlaces, config: AuditConfig, writer: ChainWriter, now: Callable[[], str]) -> None:
        self.places = places
        self._config = config
        self._writer = writer
        self._now = now
        self._lost = 0

    async def append(
        self,
        kind: str,
        *,
        principal: Principal | str,
        subject: str = "",
        outcome: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> AuditRecord:
        """Write one record and return it once it is durable; see the contract."""
        at = self._now()
        most = self._config.max_details_bytes
        fields, shown = record_fields(
            kind, at, principal=principal, subject=subject, outcome=outcome, details=details, most=most
        )
        try:
            if self._lost:
                await self._record_loss()
            seq, previous, digest = await self._write(fields)
        except AuditFailed:
            if self._config.strict:
                raise
            self._lost += 1
            seq, previous, digest = 0, "", ""
        return AuditRecord(**{**fields, "details": shown}, seq=seq, previous=previous, hash=digest)

    async def read(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        kind: str = "",
        principal: str = "",
        subject: str = "",
        newest_first: bool = False,
    ) -> list[AuditRecord]:
        """Return a page of records; see the contract."""
        return await asyncio.to_thread(
            read_records, self.places.folder, after, limit, kind, principal, subject, newest_first
        )

    async def verify(self) -> AuditVerdict:
        """Check the whole log; see the contract."""
        return await asyncio.to_thread(verify_log, self.places)

    async def health(self) -> Health:
        """Tell whether the last write worked."""
        figures = {"records": self._writer.seq, "pending": self._writer.pending, "lost": self._lost}
        if self._writer.failure:
            return unhealthy(self._writer.failure, remedy="free some space, or mend the permissions of the folder")
        return healthy("", **figures)

    async def _write(self, fields: dict[str, Any]) -> tuple[int, str, str]:
        future = self._writer.submit(fields)
        try:
            async with asyncio.timeout(DEADLINE):
                return await future
        except TimeoutError:
            raise AuditFailed(
                f"the audit log did not answer within {DEADLINE:.0f} s", hint="look at the disk of the data directory"
            ) from None

    async def _record_loss(self) -> None:
        count = self._lost
        fields, _ = record_fields(
            "audit.lost",
            self._now(),
            principal="system",
            subject="",
            outcome="failed",
            details={"records": count},
            most=4096,
        )
        await self._write(fields)
        self._lost -= count


def read_records(
    folder: Path, after: int, limit: int, kind: str, principal: str, subject: str, newest_first: bool
) -> list[AuditRecord]:
    """Return up to `limit` records of the log in `folder` that match (blocks)."""
    lines = backwards(folder, after) if newest_first else forwards(folder, after)
    return list(islice(_matching(lines, kind, principal, subject), limit))


def _matching(lines: Iterator[bytes], kind: str, principal: str, subject: str) -> Iterator[AuditRecord]:
    # Lines are canonical, so what does not hold these bytes cannot match; looking for them is much cheaper than reading the line.
    wanted = {"kind": kind, "principal": principal, "subject": subject}
    marks = [_mark(field, value, whole=field != "kind") for field, value in wanted.items() if value]
    for line in lines:
        if not all(mark in line for mark in marks):
            continue
        try:
            record = read_line(line)
        except LineError as error:
            _log.warning("audit log: a line does not hold and is not shown: %s", error)
            continue
        if isinstance(record, Checkpoint):
            continue
        if kind and record.kind != kind and not record.kind.startswith(f"{kind}."):
            continue
        if (not principal or record.principal == principal) and (not subject or record.subject == subject):
            yield record


def _mark(field: str, value: str, *, whole: bool) -> bytes:
    mark = canonical({field: value.encode("utf-8", "replace").decode()})[1:-1]
    return mark if whole else mark[:-1]


@asynccontextmanager
async def open_audit(config: AuditConfig, context: PluginContext) -> AsyncIterator[AuditService]:
    """Open the log, record that it was opened and closed, and sign its end."""

    def now() -> str:
        return rfc3339(context.clock.now_ms())

    lock, places, writer, tail = await asyncio.to_thread(_open_log, config, context.data_dir, now)
    service = AuditService(places, config, writer, now)
    try:
        if tail.repaired is not None:
            await service.append("audit.repaired", principal="system", outcome="done", details=tail.repaired)
        await service.append("audit.opened", principal="system", outcome="done", details={"log": places.folder.name})
        yield service
    finally:
        try:
            await service.append("audit.closed", principal="system", outcome="done")
        except SymbiError as error:
            _log.error("audit log: its end could not be recorded: %s", error)
        await asyncio.shield(asyncio.to_thread(_close_log, writer, lock))


def _open_log(
    config: AuditConfig, data_dir: Path, now: Callable[[], str]
) -> tuple[OwnerLock, AuditPlaces, ChainWriter, Tail]:
    """Take the first log that no other process writes: several nodes on one machine keep a log each."""
    for number in range(1, MOST_LOGS + 1):
        places = config.places(data_dir, number)
        try:
            places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = OwnerLock(places.folder / "lock")
            lock.take()
        except StoreLocked:
            continue
        except (OSError, SymbiError) as error:
            raise _unwritable(places, error) from error
        try:
            key, tail = open_tail(places, at=now())
            writer = ChainWriter(places, config, key, tail, now)
            writer.start()
        except OSError as error:
            lock.release()
            raise _unwritable(places, error) from error
        except BaseException:
            lock.release()
            raise
        return lock, places, writer, tail
    raise AuditFailed(
        f"{MOST_LOGS} processes write audit logs in {data_dir} already", hint="give each node a --data-dir of its own"
    )


def _unwritable(places: AuditPlaces, error: Exception) -> AuditFailed:
    reason = getattr(error, "strerror", None) or str(error)
    return AuditFailed(
        f"cannot write the audit log {places.folder}: {reason}",
        hint="make the folder writable for this user, or set plugins.audit.directory",
    )


def _close_log(writer: ChainWriter, lock: OwnerLock) -> None:
    writer.close()
    lock.release()
