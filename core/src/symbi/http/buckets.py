"""Token buckets by client, in a table that cannot grow without bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Buckets"]


class Buckets:
    """Lets `burst` calls through at once and `per_second` from then on, for each key by itself.

    At most `capacity` keys are known. A bucket that is full again is forgotten first; while none is, newcomers share one bucket, so that a
    flood of addresses is limited too instead of passing (A-22, F-21).
    """

    def __init__(
        self, *, burst: float, per_second: float, monotonic: Callable[[], float], capacity: int = 100_000
    ) -> None:
        self.burst = burst
        self.per_second = per_second
        self.capacity = capacity
        self._monotonic = monotonic
        self._table: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._shared = (burst, monotonic())

    def __len__(self) -> int:
        return len(self._table)

    def take(self, key: str) -> float:
        """Take one token of `key`; return 0.0, or the seconds until there will be one."""
        now = self._monotonic()
        known = self._table.get(key)
        if known is None and not self._make_room(now):
            self._shared, wait = self._spend(self._shared, now)
            return wait
        self._table[key], wait = self._spend(known or (self.burst, now), now)
        self._table.move_to_end(key)
        return wait

    def _spend(self, bucket: tuple[float, float], now: float) -> tuple[tuple[float, float], float]:
        level = min(self.burst, bucket[0] + (now - bucket[1]) * self.per_second)
        if level >= 1.0:
            return (level - 1.0, now), 0.0
        return (level, now), (1.0 - level) / self.per_second

    def _make_room(self, now: float) -> bool:
        if len(self._table) < self.capacity:
            return True
        oldest, (level, at) = next(iter(self._table.items()))
        if level + (now - at) * self.per_second < self.burst:
            return False
        del self._table[oldest]
        return True
