"""From a local wall time to UTC, with gaps and repeated times told apart."""

from __future__ import annotations

from typing import Literal, NamedTuple

from symbi_scheduler.cron.zones import Zone

__all__ = ["Placed", "local_to_utc"]

_FURTHEST = 16 * 3600  # no zone is further ahead of UTC


class Placed(NamedTuple):
    """Where a local time lies: `utc` seconds, and whether it does not exist (`gap`) or exists twice (`fold`)."""

    utc: int
    kind: Literal["plain", "gap", "fold"]
    gap_start: int = 0


def local_to_utc(zone: Zone, local: int) -> Placed:
    """Place a local second: a repeated time at its first pass, one inside a gap at the first instant after it (`gap_start`, UTC)."""
    segment = zone.at(local - _FURTHEST)
    while True:
        if local < segment.end + segment.offset:
            folds = segment.after < 0 and local >= segment.end + segment.offset + segment.after
            return Placed(local - segment.offset, "fold" if folds else "plain")
        coming = zone.at(segment.end)
        if local < coming.start + coming.offset:
            return Placed(segment.end, "gap", segment.end)
        segment = coming
