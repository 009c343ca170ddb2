"""The writer: one thread that puts many callers' records into one write and one fsync, and signs checkpoints."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from symbi.contracts.audit import AuditFailed
from symbi_audit.anchor import write_anchor
from symbi_audit.chain import CHECKPOINT_EVERY, Checkpoint, canonical, make_line
from symbi_audit.config import AuditConfig, AuditPlaces
from symbi_audit.keys import SigningKey
from symbi_audit.recover import Tail, sign_checkpoint
from symbi_audit.retention import expired, last_hash
from symbi_audit.segment_file import SegmentFile
from symbi_audit.segments import list_segments

__all__ = ["ChainWriter", "Written"]

_log = logging.getLogger("symbi.audit")
MOST_PENDING = 20_000
MOST_TOGETHER = 2_000
CHECKPOINT_SECONDS = 1.0

Written = tuple[int, str, str]
"""What the chain gives a record: its `seq`, the hash before it and its own."""


class _Job:
    __slots__ = ("fields", "future", "loop", "written")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Written] = self.loop.create_future()
        self.written: Written | None = None


class ChainWriter:
    """Owns the end of the chain and the file that it grows in.

    A record is acknowledged after `fdatasync`. A write that fails is cut off again and refused to all its callers; the next one tries
    anew, so a full disk heals itself. If even the cut fails, the writer stays refusing until a restart has checked the log.
    """

    def __init__(
        self, places: AuditPlaces, config: AuditConfig, key: SigningKey, tail: Tail, now: Callable[[], str]
    ) -> None:
        self._places = places
        self._config = config
        self._key = key
        self._now = now
        self._seq, self._previous, self._signed = tail.seq, tail.previous, tail.signed
        self._anchor = tail.anchor
        self._first, self._before = tail.anchor.first, tail.anchor.before
        self._file = SegmentFile(places.folder, config.segment_bytes)
        self._queue: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._unsigned_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="symbi-audit-writer", daemon=True)
        self.failure = ""

    @property
    def seq(self) -> int:
        """The number of the last durable record."""
        return self._seq

    @property
    def pending(self) -> int:
        """How many records wait to be written."""
        return len(self._queue)

    def start(self) -> None:
        """Open the newest segment and start the thread (blocks shortly). Raises `OSError`."""
        self._file.open(self._seq + 1)
        self._unsigned_since = time.monotonic() if self._seq > self._anchor.seq else None
        self._thread.start()

    def submit(self, fields: dict[str, Any]) -> asyncio.Future[Written]:
        """Queue a record (all fields but `seq`, `previous` and `hash`); raises `AuditFailed` when closed or overfull."""
        job = _Job(fields)
        with self._wake:
            if self._closing:
                raise AuditFailed("the audit log is closed")
            if len(self._queue) >= MOST_PENDING:
                raise AuditFailed(
                    f"{MOST_PENDING} records already wait for the audit log",
                    hint="look at the disk of the data directory",
                )
            self._queue.append(job)
            self._wake.notify()
        return job.future

    def close(self) -> None:
        """Write what is queued, sign, set the anchor and close (blocks)."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._file.close()

    def _run(self) -> None:
        while True:
            jobs, closing = self._take()
            ending = closing and not jobs
            try:
                self._step(jobs, ending)
            except Exception as error:  # a fault of ours must refuse, not leave callers waiting for ever
                self._file.broken = True
                self._answer_all(jobs, self._failed(error))
            if ending:
                return

    def _step(self, jobs: list[_Job], ending: bool) -> None:
        if jobs:
            self._write(jobs)
        if self._unsigned_since is not None and (
            ending or time.monotonic() - self._unsigned_since >= CHECKPOINT_SECONDS
        ):
            self._set_anchor()

    def _take(self) -> tuple[list[_Job], bool]:
        with self._wake:
            while not self._queue and not self._closing:
                left = (
                    None
                    if self._unsigned_since is None
                    else self._unsigned_since + CHECKPOINT_SECONDS - time.monotonic()
                )
                if left is not None and left <= 0:
                    break
                self._wake.wait(left)
            return [self._queue.popleft() for _ in range(min(len(self._queue), MOST_TOGETHER))], self._closing

    def _write(self, jobs: list[_Job]) -> None:
        error: AuditFailed | None = None
        try:
            self._write_lines(jobs)
        except Exception as cause:
            error = self._failed(cause)
        self._answer_all(jobs, error)
        if error is None and self._file.full:
            self._rotate()

    def _answer_all(self, jobs: list[_Job], error: AuditFailed | None) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in jobs:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, part in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the callers' loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_answer, part, error)

    def _write_lines(self, jobs: list[_Job]) -> None:
        lines: list[bytes] = []
        seq, previous, signed = self._seq, self._previous, self._signed
        for job in jobs:
            seq += 1
            digest, line = make_line({**job.fields, "seq": seq, "previous": previous})
            job.written = (seq, previous, digest)
            previous = digest
            lines.append(line)
            if seq - signed >= CHECKPOINT_EVERY:
                lines.append(self._checkpoint_line(self._sign(seq, previous)))
                signed = seq
        self._file.append(b"".join(lines), next_seq=self._seq + 1)
        self._seq, self._previous, self._signed = seq, previous, signed
        self.failure = ""
        if self._unsigned_since is None:
            self._unsigned_since = time.monotonic()

    def _failed(self, cause: Exception) -> AuditFailed:
        self.failure = f"cannot write {self._places.folder}: {getattr(cause, 'strerror', None) or cause}"
        _log.error("audit log: %s", self.failure)
        hint = (
            "restart, which checks the log"
            if self._file.broken
            else "free some space, or mend the permissions of the folder"
        )
        error = AuditFailed(f"the audit log {self.failure}, so nothing that it must record may be done", hint=hint)
        error.__cause__ = cause
        return error

    def _sign(self, seq: int, hash: str) -> Checkpoint:
        return sign_checkpoint(self._key, seq=seq, hash=hash, first=self._first, before=self._before, at=self._now())

    def _checkpoint_line(self, checkpoint: Checkpoint) -> bytes:
        return canonical({"checkpoint": checkpoint}) + b"\n"

    def _set_anchor(self) -> None:
        """Sign the end of the chain, in the log and in the anchor; a failure is tried again after another second."""
        self._unsigned_since = time.monotonic()
        try:
            checkpoint = self._sign(self._seq, self._previous)
            if self._signed < self._seq and not self._file.broken:
                self._file.append(self._checkpoint_line(checkpoint), next_seq=self._seq + 1)
                self._signed = self._seq
            write_anchor(self._places.anchor, checkpoint)
            self._anchor = checkpoint
            self._unsigned_since = None
        except OSError as error:
            self._failed(error)

    def _rotate(self) -> None:
        try:
            self._file.open(self._seq + 1)
            self._trim()
        except OSError as error:
            self._failed(error)

    def _trim(self) -> None:
        """Remove what the retention lets go: record it, sign the new beginning, then delete."""
        gone, following = expired(list_segments(self._places.folder), self._config)
        if not gone or following is None:
            return
        self._set_anchor()
        before = last_hash(self._places.folder, following.first)
        if self._anchor.seq < following.first or before is None:
            return
        _log.info("audit log: removing records %d to %d, as the retention says", self._first, following.first - 1)
        first = self._first
        self._first, self._before = following.first, before
        details = {"first": first, "last": following.first - 1, "last_hash": before}
        fields = {
            "at": self._now(),
            "kind": "audit.trimmed",
            "principal": "system",
            "subject": "",
            "outcome": "done",
            "details": details,
        }
        seq = self._seq + 1
        digest, line = make_line({**fields, "seq": seq, "previous": self._previous})
        self._file.append(line, next_seq=seq)
        self._seq, self._previous = seq, digest
        self._set_anchor()
        if self._anchor.first == following.first:
            for segment in gone:
                segment.path.unlink(missing_ok=True)


def _answer(jobs: list[_Job], error: AuditFailed | None) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        elif job.written is not None:
            job.future.set_result(job.written)
