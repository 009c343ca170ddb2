"""Checks cron expressions: the grammar of `scheduling.md` §2.3, without computing any time."""

from __future__ import annotations

import re

__all__ = ["CronProblem", "check_cron"]

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_LONG_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_LONG_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_FIELDS = (
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
    ("year", 1970, 2199),
)
_MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_LENGTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_HASH = re.compile(r"[hH](?:\((\d{1,4})-(\d{1,4})\))?")


class CronProblem(Exception):
    """An expression that is none; the message names the field."""


def check_cron(text: str) -> tuple[str, bool]:
    """Return the expression in six or seven fields, and whether it had five; raise `CronProblem` for a bad one."""
    if len(text) > 256:
        raise CronProblem("longer than 256 characters")
    if not text.isascii():
        raise CronProblem("only ASCII is allowed")
    fields = text.split()
    if len(fields) == 1 and fields[0].lower() in _MACROS:
        return _MACROS[fields[0].lower()], False
    if len(fields) == 1 and fields[0].startswith("@"):
        raise CronProblem(f"unknown macro {fields[0]}; use {', '.join(sorted(_MACROS))}")
    five = len(fields) == 5
    if five:
        fields = ["0", *fields]
    if len(fields) not in (6, 7):
        raise CronProblem(f"{len(fields)} fields; write second minute hour day month weekday, and a year if you like")
    values = [_field(index, field) for index, field in enumerate(fields)]
    _possible(fields, values)
    return " ".join(fields), five


def _field(index: int, text: str) -> set[int] | None:
    """Return the values of a field, or None where they depend on the calendar."""
    name, low, high = _FIELDS[index]
    if text == "?":
        if index not in (3, 5):
            raise CronProblem(f"{name}: `?` stands only for a day")
        return set(range(low, high + 1))
    items = text.split(",")
    if len(items) > 64:
        raise CronProblem(f"{name}: more than 64 values")
    found: set[int] = set()
    calendar = False
    for item in items:
        values = _item(index, item)
        if values is None:
            calendar = True
        else:
            found |= values
    return None if calendar else found


def _item(index: int, item: str) -> set[int] | None:
    name, low, high = _FIELDS[index]
    if index == 3 and _day_of_month_special(item):
        return None
    if index == 5 and _day_of_week_special(item):
        return None
    base, slash, step_text = item.partition("/")
    step = 1
    if slash:
        if not step_text.isdigit() or not 1 <= int(step_text[:6]) <= high:
            raise CronProblem(f"{name}: bad step '{step_text}'")
        step = int(step_text)
    hashed = _HASH.fullmatch(base)
    if hashed:
        if hashed[1] and not low <= int(hashed[1]) <= int(hashed[2]) <= high:
            raise CronProblem(f"{name}: bad range in '{base}'")
        return None
    if base == "*":
        return set(range(low, high + 1, step))
    first, dash, last = base.partition("-")
    begin = _number(index, first)
    end = _number(index, last) if dash else (high if slash else begin)
    if begin > end:
        raise CronProblem(f"{name}: {begin}-{end} runs backwards; write `{begin}-{high},{low}-{end}`")
    return set(range(begin, end + 1, step))


def _number(index: int, text: str) -> int:
    name, low, high = _FIELDS[index]
    word = text.lower()
    value: int | None = int(word) if word.isdigit() and len(word) <= 4 else None
    if value is None and index == 4:
        for names in (_MONTHS, _LONG_MONTHS):
            if word in names:
                value = names.index(word) + 1
    if value is None and index == 5:
        for names in (_DAYS, _LONG_DAYS):
            if word in names:
                value = names.index(word)
    if value is None:
        raise CronProblem(f"{name}: '{text[:20]}' is no value")
    if not low <= value <= high:
        raise CronProblem(f"{name}: {value} is not between {low} and {high}")
    return value


def _day_of_month_special(item: str) -> bool:
    low = item.lower()
    if low in ("l", "lw"):
        return True
    if low.startswith("l-") and low[2:].isdigit():
        return 1 <= int(low[2:][:4]) <= 30
    if low.endswith("w") and low[:-1].isdigit():
        return 1 <= int(low[:-1][:4]) <= 31
    return False


def _day_of_week_special(item: str) -> bool:
    low = item.lower()
    day, mark, count = low.partition("#")
    if mark:
        _number(5, day)
        if count not in ("1", "2", "3", "4", "5"):
            raise CronProblem("day of week: a month has weekday number 1 to 5")
        return True
    if low == "l":
        return True
    if low.endswith("l"):
        _number(5, low[:-1])
        return True
    if low.startswith("l") and low[1:].isdigit():
        _number(5, low[1:])
        return True
    return False


def _possible(fields: list[str], values: list[set[int] | None]) -> None:
    days, months = values[3], values[4]
    if days and months and fields[3] not in ("*", "?"):
        longest = max(_LENGTHS[month] for month in months)
        if min(days) > longest:
            raise CronProblem(f"day of month: no chosen month has a day {min(days)}; it would never fire")
        years = values[6] if len(values) == 7 else None
        only_leap_day = months == {2} and min(days) == 29
        if only_leap_day and years and not any(y % 4 == 0 and (y % 100 or y % 400 == 0) for y in years):
            raise CronProblem("year: no chosen year has a 29 February; it would never fire")
