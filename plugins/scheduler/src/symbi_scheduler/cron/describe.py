"""An expression in plain English."""

from __future__ import annotations

from collections.abc import Callable

from symbi_scheduler.cron.days import LAST_DAY, LAST_WEEKDAY, DayRule
from symbi_scheduler.cron.expression import CronExpression
from symbi_scheduler.cron.fields import FIRST_YEAR

__all__ = ["describe"]

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_NTH = ("", "first", "second", "third", "fourth", "fifth")
_MAX_TIMES = 6


def describe(expression: CronExpression, *, timezone: str = "") -> str:
    """One sentence, for example "At 09:00:00, Monday to Friday, in January (America/New_York)."."""
    parts = [_time(expression), *_days(expression)]
    if not expression.all_months:
        parts.append("in " + _names(expression.months, _MONTHS, 1))
    if not expression.all_years:
        parts.append("in " + _join(_runs([year + FIRST_YEAR for year in _bits(expression.years)], str)))
    sentence = ", ".join(parts)
    zone = f" ({timezone})" if timezone else ""
    return f"{sentence[0].upper()}{sentence[1:]}{zone}."


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _time(x: CronExpression) -> str:
    seconds, minutes, hours = _bits(x.seconds), _bits(x.minutes), _bits(x.hours)
    if len(seconds) * len(minutes) * len(hours) <= _MAX_TIMES:
        return "at " + _join([f"{h:02}:{m:02}:{s:02}" for h in hours for m in minutes for s in seconds])
    parts = []
    if seconds != [0]:
        parts.append(_unit(seconds, 60, "second", "of the minute"))
    if len(minutes) < 60 or not parts:
        parts.append(_unit(minutes, 60, "minute", "of the hour"))
    if len(hours) < 24:
        parts.append("in the hours " + _join(_runs(hours, lambda hour: f"{hour:02}")))
    return ", ".join(parts)


def _unit(values: list[int], size: int, name: str, of: str) -> str:
    if len(values) == size:
        return f"every {name}"
    step = values[1] - values[0] if len(values) > 1 else 0
    if step > 1 and values == list(range(values[0], size, step)):
        start = f" from {name} {values[0]}" if values[0] else ""
        return f"every {step} {name}s{start}"
    return f"at {name} {_join(_runs(values, str))} {of}"


def _days(x: CronExpression) -> list[str]:
    by_day = _join([*_runs(_bits(x.days), str), *map(_rule, x.day_rules)]) if x.day_restricted else ""
    by_day = f"on day {by_day} of the month" if by_day and not x.day_rules else f"on {by_day}" if by_day else ""
    by_weekday = ""
    if x.weekday_restricted:
        by_weekday = _join([*_runs(_bits(x.weekdays), lambda day: _WEEKDAYS[day]), *map(_rule, x.weekday_rules)])
    if by_day and by_weekday:
        return [f"{by_day} or {by_weekday}" if x.day_match == "or" else f"{by_day} when it is {by_weekday}"]
    return [part for part in (by_day, by_weekday) if part]


def _rule(rule: DayRule) -> str:
    if rule.kind == LAST_DAY:
        return f"{rule.value} days before the last day of the month" if rule.value else "the last day of the month"
    if rule.kind == LAST_WEEKDAY:
        return "the last working day of the month"
    if rule.kind == "nearest_weekday":
        return f"the working day nearest to day {rule.value}"
    if rule.kind == "nth":
        return f"the {_NTH[rule.nth]} {_WEEKDAYS[rule.value]} of the month"
    return f"the last {_WEEKDAYS[rule.value]} of the month"


def _names(mask: int, names: list[str], low: int) -> str:
    return _join(_runs(_bits(mask), lambda value: names[value - low]))


def _runs(values: list[int], text: Callable[[int], str]) -> list[str]:
    """Three or more values in a row become "a to b"."""
    out: list[str] = []
    place = 0
    while place < len(values):
        end = place
        while end + 1 < len(values) and values[end + 1] == values[end] + 1:
            end += 1
        if end - place >= 2:
            out.append(f"{text(values[place])} to {text(values[end])}")
        else:
            out += [text(value) for value in values[place : end + 1]]
        place = end + 1
    return out


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
