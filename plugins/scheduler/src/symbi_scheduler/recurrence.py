"""Recurrence rules of calendars (RFC 5545 §3.3.10), as far as days go: tried day by day, so that no rule takes long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from symbi.contracts.errors import InvalidRequest

__all__ = ["YEARS", "recurrences"]

YEARS = 20
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"})


class _Rule:
    """One parsed rule; parts that it does not know are refused, not ignored."""

    def __init__(self, text: str) -> None:
        parts = dict(part.partition("=")[::2] for part in text.upper().split(";") if part)
        unknown = sorted(set(parts) - _KNOWN)
        if unknown:
            raise _wrong(text, f"{', '.join(unknown)} is not supported")
        self.freq = parts.get("FREQ", "")
        if self.freq not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
            raise _wrong(text, "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY")
        try:
            self.interval = int(parts.get("INTERVAL", "1"))
            self.count = int(parts.get("COUNT", "0"))
            self.months = {int(value) for value in parts.get("BYMONTH", "").split(",") if value}
            self.month_days = {int(value) for value in parts.get("BYMONTHDAY", "").split(",") if value}
            self.weekdays = {
                (int(value[:-2] or 0), _DAYS.index(value[-2:])) for value in parts.get("BYDAY", "").split(",") if value
            }
            until = parts.get("UNTIL", "")[:8]
            self.until = date(int(until[:4]), int(until[4:6]), int(until[6:])) if until else date.max
        except ValueError:
            raise _wrong(text, "a number or day in it cannot be read") from None
        if not 1 <= self.interval <= 1000 or self.count < 0:
            raise _wrong(text, "INTERVAL lies between 1 and 1000")

    def matches(self, day: date, first: date) -> bool:
        """Whether the rule that begins on `first` holds on `day`."""
        return self._in_period(day, first) and self._by_date(day, first) and self._by_weekday(day, first)

    def _in_period(self, day: date, first: date) -> bool:
        if self.freq == "DAILY":
            passed = (day - first).days
        elif self.freq == "WEEKLY":
            monday = first - timedelta(days=first.weekday())
            passed = (day - monday).days // 7
        elif self.freq == "MONTHLY":
            passed = (day.year - first.year) * 12 + day.month - first.month
        else:
            passed = day.year - first.year
        return passed % self.interval == 0

    def _by_date(self, day: date, first: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        if self.month_days:
            return day.day in self.month_days or day.day - _length(day) - 1 in self.month_days
        if self.weekdays or self.freq in ("DAILY", "WEEKLY"):
            return True
        if self.freq == "YEARLY" and not self.months and day.month != first.month:
            return False
        return day.day == first.day

    def _by_weekday(self, day: date, first: date) -> bool:
        if not self.weekdays:
            return self.freq != "WEEKLY" or day.weekday() == first.weekday()
        return any(weekday == day.weekday() and (not nth or nth in self._places(day)) for nth, weekday in self.weekdays)

    def _places(self, day: date) -> tuple[int, int]:
        """Which one of its weekday a day is, from the front and from the back, in the month, or in the year where no month is named."""
        if self.freq == "YEARLY" and not self.months:
            start, end = date(day.year, 1, 1), date(day.year, 12, 31)
        else:
            start, end = day.replace(day=1), day.replace(day=_length(day))
        return (day - start).days // 7 + 1, -((end - day).days // 7) - 1


def recurrences(text: str, first: date) -> Iterator[date]:
    """The days of a rule from `first` on, for twenty years at most; raises InvalidRequest for a rule that cannot be read."""
    rule, found = _Rule(text), 0
    last = min(rule.until, first + timedelta(days=366 * YEARS))
    day = first
    while day <= last and not (rule.count and found >= rule.count):
        if rule.matches(day, first):
            found += 1
            yield day
        day += timedelta(days=1)


def _length(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def _wrong(text: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"ical: RRULE {text[:80]!r}: {message}", details={"field": "ical"})
