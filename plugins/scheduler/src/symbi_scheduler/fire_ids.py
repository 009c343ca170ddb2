"""Ids of fires, computed from what they stand for: the primary key is what makes a fire happen once (R-ONCE)."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["fire_id", "idempotency_key", "jitter_ms"]


def fire_id(schedule_id: str, scheduled_for: int, kind: str | int = "regular") -> str:
    """The UUID (version 8) of the fire of a schedule at a due time in milliseconds.

    It begins with the due time, so that ids sort by time and the index grows at its end; the rest is a digest. `kind` is `regular` for what
    the schedule itself makes, `r<attempt>…` for retries, `backfill`, `missed`, or unique for manual ones.
    """
    rest = blake2b(f"{schedule_id}:{scheduled_for}:{kind}".encode(), digest_size=10).hexdigest()
    time = f"{max(scheduled_for, 0) & 0xFFFFFFFFFFFF:012x}"
    return f"{time[:8]}-{time[8:]}-8{rest[:3]}-a{rest[3:6]}-{rest[6:18]}"


def idempotency_key(schedule_id: str, scheduled_for: int) -> str:
    """The key an agent may use to do its work once: the same over all attempts of a fire."""
    return f"{schedule_id}:{scheduled_for}"


def jitter_ms(schedule_id: str, due_ms: int, jitter_seconds: int, *, until_next_ms: int | None = None) -> int:
    """The delay of a start (R-JIT): the same on every node and after every restart, less than the time to the next fire."""
    if jitter_seconds <= 0:
        return 0
    digest = blake2b(f"{schedule_id}:{due_ms // 1000}".encode("ascii"), digest_size=8).digest()
    offset = int.from_bytes(digest, "big") * 1000 * jitter_seconds // 2**64
    return offset if until_next_ms is None else min(offset, max(0, until_next_ms - 1))
