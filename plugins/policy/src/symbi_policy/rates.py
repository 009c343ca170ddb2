"""Counts actions in a sliding window, for obligations and rules that limit a rate."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["RateCounter", "read_rate"]

_UNITS = {"s": 1, "m": 60, "h": 3600}


def read_rate(value: str) -> tuple[int, float]:
    """Return `(limit, seconds)` of `10/60s`; raises `ValueError`."""
    limit, _, window = value.partition("/")
    return int(limit), float(int(window[:-1]) * _UNITS[window[-1:]])


class RateCounter:
    """Times of earlier actions by key; forgets the keys that were used longest ago beyond `keys`."""

    def __init__(self, monotonic: Callable[[], float], *, keys: int = 10_000) -> None:
        self._monotonic = monotonic
        self._keys = keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, key: str, seconds: float) -> int:
        """Return how many actions of the key fall into the last `seconds`."""
        times = self._times.get(key)
        if times is None:
            return 0
        since = self._monotonic() - seconds
        while times and times[0] <= since:
            times.popleft()
        return len(times)

    def add(self, key: str, *, most: int) -> None:
        """Note one action now; only the last `most` of a key are kept."""
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        times.append(self._monotonic())
        while len(times) > max(most, 1):
            times.popleft()
        while len(self._times) > self._keys:
            self._times.popitem(last=False)
