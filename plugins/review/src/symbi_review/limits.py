"""Rate limits: a sliding window of 60 seconds for each subject and class (toolreview.md §1.12)."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable

import msgspec

__all__ = ["WINDOW_SECONDS", "Limiter", "Standing"]

WINDOW_SECONDS = 60.0
_MOST_SUBJECTS = 20_000


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a subject stands after a request; `reset_in` is in seconds."""

    limit: int
    remaining: int
    reset_in: float
    allowed: bool

    def headers(self, now_epoch: float) -> dict[str, str]:
        """The seed's three headers; `Reset` is in epoch seconds, rounded up."""
        reset = math.ceil(now_epoch + self.reset_in)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(reset),
        }


class Limiter:
    """Counts in memory, by the monotonic clock; refused requests do not count."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def take(self, subject: str, kind: str, limit: int, *, peek: bool = False) -> Standing:
        """Count one request, unless it is refused or only a `peek`."""
        now = self._monotonic()
        times = self._seen.get((subject, kind))
        if times is None:
            times = self._seen[(subject, kind)] = deque()
            while len(self._seen) > _MOST_SUBJECTS:
                self._seen.popitem(last=False)
        self._seen.move_to_end((subject, kind))
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
        allowed = len(times) < limit
        if allowed and not peek:
            times.append(now)
        reset_in = times[0] + WINDOW_SECONDS - now if times else WINDOW_SECONDS
        return Standing(limit=limit, remaining=max(0, limit - len(times)), reset_in=reset_in, allowed=allowed)
