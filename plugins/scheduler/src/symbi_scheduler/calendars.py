"""Calendars: days on which a schedule does not fire, or only fires (R-CAL)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import OnExcluded

__all__ = ["MAX_DATES", "DayFilter", "day_filter", "read_dates", "read_weekdays"]

MAX_DATES = 10_000
_EPOCH = date(1970, 1, 1).toordinal()
_SEARCH = 366 * 5  # a calendar that leaves no day within five years never fires


class DayFilter(NamedTuple):
    """Which local days (days since 1970) a schedule may fire on, and what happens to a fire on another day."""

    days: frozenset[int]
    weekdays: int
    mode: Literal["exclude", "include_only"]
    on_excluded: OnExcluded

    def allows(self, day: int) -> bool:
        """Whether a schedule may fire on that local day."""
        held = day in self.days or bool(self.weekdays >> (day + 4) % 7 & 1)
        return held == (self.mode == "include_only")

    def moved(self, day: int) -> int | None:
        """The day that a fire of an excluded day goes to, or None when it is dropped."""
        if self.on_excluded == "skip":
            return None
        step = 1 if self.on_excluded == "next_business_day" else -1
        for _ in range(_SEARCH):
            day += step
            if self.allows(day):
                return day
        return None


def read_dates(texts: Iterable[str]) -> tuple[str, ...]:
    """ISO dates, sorted and without doubles; raises InvalidRequest naming the one at fault."""
    found = set()
    for text in texts:
        try:
            found.add(date.fromisoformat(text).isoformat())
        except (ValueError, TypeError):
            raise InvalidRequest(
                f"dates: {text!r} is not an ISO date (2026-12-25)", details={"field": "dates"}
            ) from None
    if len(found) > MAX_DATES:
        raise InvalidRequest(f"dates: at most {MAX_DATES}", details={"field": "dates"})
    return tuple(sorted(found))


def read_weekdays(values: Iterable[int]) -> tuple[int, ...]:
    """Weekday numbers, 0 or 7 for Sunday; raises InvalidRequest."""
    found = {value % 7 if 0 <= value <= 7 else -1 for value in values}
    if -1 in found:
        raise InvalidRequest("weekdays: use 0 (Sunday) to 6 (Saturday)", details={"field": "weekdays"})
    return tuple(sorted(found))


def day_filter(
    dates: Iterable[str], weekdays: Iterable[int], mode: Literal["exclude", "include_only"], on_excluded: OnExcluded
) -> DayFilter:
    """Make the filter of a stored calendar."""
    days = frozenset(date.fromisoformat(text).toordinal() - _EPOCH for text in dates)
    return DayFilter(days, sum(1 << day for day in set(weekdays)), mode, on_excluded)
