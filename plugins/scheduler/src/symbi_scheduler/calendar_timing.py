"""Fire times under a calendar: excluded days are skipped, or their fires move to the next or previous allowed day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbi_scheduler.calendars import DayFilter
from symbi_scheduler.cron.localtime import local_to_utc
from symbi_scheduler.cron.zones import Zone

if TYPE_CHECKING:
    from symbi_scheduler.timing import Timing

__all__ = ["CalendarTiming"]

_DAY = 86400
_HORIZON = 5 * 366 * _DAY * 1000
_MAX_RUN = 366 * 5
_MAX_LISTED = 20_000


class _Targets:
    """Where the fires of excluded days go, asked for days in rising order; a run of excluded days is searched once."""

    __slots__ = ("_days", "_first", "_last", "_target")

    def __init__(self, days: DayFilter) -> None:
        self._days = days
        self._first, self._last = 1, 0
        self._target: int | None = None

    def of(self, day: int) -> int | None:
        """The day that the fires of an excluded day move to."""
        if self._first <= day <= self._last:
            return self._target
        backward = self._days.on_excluded == "previous_business_day"
        if backward and day == self._last + 1:
            self._last = day
            return self._target
        self._target = self._days.moved(day)
        self._first = day
        self._last = self._target - 1 if self._target is not None and not backward else day
        return self._target


class CalendarTiming:
    """Another timing under a day filter; local days are those of the schedule's zone.

    Moved fires keep their wall time; two fires on one instant are one.
    """

    __slots__ = ("days", "inner", "zone")

    def __init__(self, inner: Timing, days: DayFilter, zone: Zone) -> None:
        self.inner = inner
        self.days = days
        self.zone = zone

    def next_after(self, after: int) -> int | None:
        """The first fire later than `after`, or None when five years hold none."""
        cursor, best = self._scan_start(after), None
        targets = _Targets(self.days)
        while True:
            found = self.inner.next_after(cursor)
            if found is None or found > after + _HORIZON or (best is not None and found >= best):
                return best
            day = self._day(found)
            if not self.days.allows(day):
                target = targets.of(day)
                if target is None and self.days.on_excluded == "next_business_day":
                    return best  # no allowed day follows for years
                moved = None if target is None else self._first_moved(day, target, after)
                best = moved if best is None or (moved is not None and moved < best) else best
                cursor = max(found, self._start_of(day + 1) - 1)
            elif found > after:
                return found
            else:
                cursor = max(found, min(after, self._start_of(day + 1) - 1))

    def latest(self, at: int, *, not_before: int) -> int | None:
        """The last fire in [not_before, at], by halving the range."""
        low, high = not_before - 1, at
        first = self.next_after(low)
        if first is None or first > at:
            return None
        low = first - 1
        while high - low > 1:
            middle = (low + high) // 2
            found = self.next_after(middle)
            if found is not None and found <= at:
                low = max(middle, found - 1)
            else:
                high = middle
        return low + 1

    def count(self, after: int, until: int) -> int:
        """How many fires lie in (after, until]; counting stops at 20,000."""
        total, found = 0, self.next_after(after)
        while found is not None and found <= until and total < _MAX_LISTED:
            total, found = total + 1, self.next_after(found)
        return total

    def _scan_start(self, after: int) -> int:
        """Where to begin, so that fires of excluded days that move past `after` are seen."""
        if self.days.on_excluded != "next_business_day":
            return after
        day = self._day(after)
        for _ in range(_MAX_RUN):
            if self.days.allows(day - 1):
                break
            day -= 1
        return self._start_of(day) - 1

    def _first_moved(self, day: int, target: int, after: int) -> int | None:
        """The first fire later than `after` among those of an excluded day, at the place they move to on day `target`."""
        start, end = self._start_of(day), self._start_of(day + 1)
        wall = max(0, self._local(after) - target * _DAY)
        found = self.inner.next_after(start + wall * 1000 - 1)
        while found is not None and found < end:
            local = self._local(found)
            placed = local_to_utc(self.zone, target * _DAY + local % _DAY).utc * 1000 + found % 1000
            if placed > after:
                return placed
            found = self.inner.next_after(found)
        return None

    def _day(self, at: int) -> int:
        return self._local(at) // _DAY

    def _local(self, at: int) -> int:
        seconds = at // 1000
        return seconds + self.zone.at(seconds).offset

    def _start_of(self, day: int) -> int:
        return local_to_utc(self.zone, day * _DAY).utc * 1000
