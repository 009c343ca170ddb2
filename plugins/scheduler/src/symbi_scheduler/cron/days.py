"""Which days of a month an expression means: masks by month length and first weekday, cached for all 28 kinds of month."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from symbi_scheduler.cron.fields import LAST_YEAR

__all__ = [
    "BASE_YEAR",
    "LAST_DAY",
    "LAST_WEEKDAY",
    "MONTH_STARTS",
    "DayRule",
    "is_leap",
    "month_kind",
    "month_of",
    "rule_mask",
]

LAST_DAY = "last_day"
LAST_WEEKDAY = "last_weekday"

BASE_YEAR = 1968  # local times just before 1970-01-01 UTC need a year before it


class DayRule(NamedTuple):
    """A day that depends on the month.

    `last_day` (value days before the end), `last_weekday` (Monday to Friday), `nearest_weekday` (to day `value`, within the month),
    `nth` (the nth weekday `value`), `last` (the last weekday `value`).
    """

    kind: str
    value: int
    nth: int = 0


def is_leap(year: int) -> bool:
    """Gregorian leap years."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_lengths() -> list[int]:
    common = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return [
        29 if month == 1 and is_leap(year) else common[month]
        for year in range(BASE_YEAR, LAST_YEAR + 2)
        for month in range(12)
    ]


# Days since 1970-01-01 of the first of each month, from January of BASE_YEAR on.
MONTH_STARTS: list[int] = list(accumulate(_month_lengths(), initial=-731))


def month_of(day: int) -> int:
    """Index into MONTH_STARTS of the month that holds a day (days since 1970-01-01)."""
    return bisect_right(MONTH_STARTS, day) - 1


def month_kind(index: int) -> tuple[int, int]:
    """(length in days, weekday of the first with Sunday = 0) of the month with that index."""
    start = MONTH_STARTS[index]
    return MONTH_STARTS[index + 1] - start, (start + 4) % 7


def rule_mask(rule: DayRule, length: int, first: int) -> int:
    """Bit mask (bit d = day d) of one rule in a month of that length whose first day is weekday `first`."""
    day = _RULES[rule.kind](rule, length, first)
    return 1 << day if 1 <= day <= length else 0


def _last_day(rule: DayRule, length: int, _first: int) -> int:
    return length - rule.value


def _nearest(day: int, length: int, first: int) -> int:
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day


def _last_weekday(_rule: DayRule, length: int, first: int) -> int:
    return _nearest(length, length, first)


def _nearest_weekday(rule: DayRule, length: int, first: int) -> int:
    return _nearest(rule.value, length, first) if rule.value <= length else 0


def _nth(rule: DayRule, _length: int, first: int) -> int:
    return 1 + (rule.value - first) % 7 + 7 * (rule.nth - 1)


def _last(rule: DayRule, length: int, first: int) -> int:
    return length - (first + length - 1 - rule.value) % 7


_RULES = {
    LAST_DAY: _last_day,
    LAST_WEEKDAY: _last_weekday,
    "nearest_weekday": _nearest_weekday,
    "nth": _nth,
    "last": _last,
}
