"""How late fires were: a histogram that costs an addition."""

from __future__ import annotations

from bisect import bisect_left

__all__ = ["BOUNDS_MS", "Lateness"]

BOUNDS_MS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 60_000, 600_000, 3_600_000)


class Lateness:
    """Counts of fires by lateness; bucket i holds those of at most BOUNDS_MS[i] milliseconds, the last one the rest."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_MS) + 1)
        self.count = 0
        self.sum_ms = 0

    def note(self, late_ms: int) -> None:
        """Count one fire."""
        self.buckets[bisect_left(BOUNDS_MS, late_ms)] += 1
        self.count += 1
        self.sum_ms += late_ms

    def snapshot(self) -> dict[str, object]:
        """The histogram as data, with cumulative counts by upper bound in seconds."""
        total, counts = 0, {}
        for bound, number in zip(BOUNDS_MS, self.buckets, strict=False):
            total += number
            counts[f"{bound / 1000:g}"] = total
        return {"buckets": counts, "count": self.count, "sum_seconds": self.sum_ms / 1000}
