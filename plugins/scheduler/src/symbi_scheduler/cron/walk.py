"""Local calendar arithmetic: the next matching second, and how many match, with days and seconds as plain integers."""

from __future__ import annotations

from symbi_scheduler.cron.days import BASE_YEAR, MONTH_STARTS, month_kind, month_of
from symbi_scheduler.cron.expression import CronExpression
from symbi_scheduler.cron.fields import FIRST_YEAR

__all__ = ["count_local", "ever_fires", "next_local"]

_DAY = 86400
_LAST_MONTH = len(MONTH_STARTS) - 1
_YEAR_SHIFT = BASE_YEAR - FIRST_YEAR


def next_local(x: CronExpression, local: int) -> int:
    """The first matching local second at or after `local` (seconds since 1970 on the local clock), or -1 when there is none."""
    day, second = divmod(local, _DAY)
    index = month_of(day)
    if (
        0 <= index < _LAST_MONTH
        and _month_matches(x, index)
        and x.day_mask(month_kind(index)) >> (day - MONTH_STARTS[index] + 1) & 1
    ):
        found = _next_second(x, second)
        if found >= 0:
            return day * _DAY + found
    day = _next_day(x, day + 1)
    return day * _DAY + x.first_of_day if day >= 0 else -1


def _month_matches(x: CronExpression, index: int) -> bool:
    year, month = divmod(index, 12)
    year += _YEAR_SHIFT
    return year >= 0 and bool(x.months >> month + 1 & 1) and bool(x.years >> year & 1)


def _next_day(x: CronExpression, day: int) -> int:
    """The first matching day at or after `day`, or -1."""
    index = month_of(day)
    below = day - MONTH_STARTS[index] + 1 if index >= 0 else 0
    index = max(index, 0)
    while index < _LAST_MONTH:
        year, month = divmod(index, 12)
        year += _YEAR_SHIFT
        if year < 0:
            index, below = -_YEAR_SHIFT * 12, 0
            continue
        if not x.years >> year & 1:
            left = x.years >> year
            if not left:
                return -1
            index, below = (year + (left & -left).bit_length() - 1 - _YEAR_SHIFT) * 12, 0
            continue
        left = x.months >> month + 1
        if not left & 1:
            index, below = (index + (left & -left).bit_length() - 1 if left else index - month + 12), 0
            continue
        found = x.day_mask(month_kind(index)) >> below
        if found:
            return MONTH_STARTS[index] + below + (found & -found).bit_length() - 2
        index, below = index + 1, 0
    return -1


def _next_second(x: CronExpression, second: int) -> int:
    """The first matching second of the day at or after `second`, or -1."""
    hour, rest = divmod(second, 3600)
    minute, second = divmod(rest, 60)
    if x.hours >> hour & 1:
        if x.minutes >> minute & 1 and (left := x.seconds >> second):
            return hour * 3600 + minute * 60 + second + (left & -left).bit_length() - 1
        if left := x.minutes >> minute + 1:
            return hour * 3600 + (minute + (left & -left).bit_length()) * 60 + x.first_of_minute
    if left := x.hours >> hour + 1:
        return (hour + (left & -left).bit_length()) * 3600 + x.first_of_hour
    return -1


def count_local(x: CronExpression, start: int, end: int) -> int:
    """How many local seconds match in [start, end)."""
    if end <= start:
        return 0
    first_day, first_second = divmod(start, _DAY)
    last_day, last_second = divmod(end, _DAY)
    per_day = x.hours.bit_count() * x.minutes.bit_count() * x.seconds.bit_count()
    total = _count_days(x, first_day, last_day) * per_day
    if first_second and _count_days(x, first_day, first_day + 1):
        total -= _count_before(x, first_second)
    if last_second and _count_days(x, last_day, last_day + 1):
        total += _count_before(x, last_second)
    return total


def _count_days(x: CronExpression, start: int, end: int) -> int:
    """How many days match in [start, end)."""
    total, day = 0, start
    while day < end:
        index = month_of(day)
        if not 0 <= index < _LAST_MONTH:
            break
        month_end = min(MONTH_STARTS[index + 1], end)
        if _month_matches(x, index):
            low, high = day - MONTH_STARTS[index] + 1, month_end - MONTH_STARTS[index] + 1
            total += (x.day_mask(month_kind(index)) >> low & (1 << high - low) - 1).bit_count()
        day = month_end
    return total


def _count_before(x: CronExpression, second: int) -> int:
    """How many seconds of a matching day lie before `second`."""
    hour, rest = divmod(second, 3600)
    minute, second = divmod(rest, 60)
    per_minute = x.seconds.bit_count()
    total = (x.hours & (1 << hour) - 1).bit_count() * x.minutes.bit_count() * per_minute
    if x.hours >> hour & 1:
        total += (x.minutes & (1 << minute) - 1).bit_count() * per_minute
        if x.minutes >> minute & 1:
            total += (x.seconds & (1 << second) - 1).bit_count()
    return total


def ever_fires(x: CronExpression) -> bool:
    """Whether any day of 1970-2199 matches; an expression that matches no day can never fire."""
    return _next_day(x, 0) >= 0
