"""Which segments the retention lets go (spec/policy.md SEC-5)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from symbi.contracts.audit import AuditRecord
from symbi_audit.chain import LineError, read_line
from symbi_audit.config import AuditConfig
from symbi_audit.segments import Segment, backwards

__all__ = ["expired", "last_hash"]

DAY = 86_400


def expired(segments: Sequence[Segment], config: AuditConfig) -> tuple[list[Segment], Segment | None]:
    """Return the oldest segments that are over the age or the total size, and the one that follows them; never the newest.

    Ages are those of the files, by the machine's clock.
    """
    sizes = [segment.path.stat() for segment in segments]
    total = sum(size.st_size for size in sizes)
    oldest = time.time() - config.keep_days * DAY
    gone = 0
    for stat in sizes[:-1]:
        too_old = config.keep_days > 0 and stat.st_mtime < oldest
        too_much = config.keep_bytes > 0 and total > config.keep_bytes
        if not too_old and not too_much:
            break
        total -= stat.st_size
        gone += 1
    return list(segments[:gone]), segments[gone] if gone else None


def last_hash(folder: Path, before: int) -> str | None:
    """Return the hash of the record just before `before`, or None when that record is not there or does not hold."""
    for line in backwards(folder, before):
        try:
            found = read_line(line)
        except LineError:
            return None
        if isinstance(found, AuditRecord):
            return found.hash if found.seq == before - 1 else None
    return None
