"""Reads one field of an expression into a bit mask plus the day rules that depend on the month."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from symbi_scheduler.cron.days import LAST_DAY, LAST_WEEKDAY, DayRule
from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.fields import DAY, FIELDS, WEEKDAY, YEAR, Field

__all__ = ["MAX_ITEMS", "FieldValue", "number", "read_field"]

MAX_ITEMS = 64


class FieldValue(NamedTuple):
    """`mask` has bit v set for each plain value v (years: v - 1970); `rules` are the month-dependent days."""

    mask: int
    rules: tuple[DayRule, ...] = ()


@lru_cache(maxsize=4096)
def read_field(index: int, text: str) -> FieldValue:
    """Read the field with that index; raises CronError naming the field."""
    field = FIELDS[index]
    items = text.split(",")
    if len(items) > MAX_ITEMS:
        raise CronError(
            "too_many_items", f"{field.name}: at most {MAX_ITEMS} items, here are {len(items)}", field=field.name
        )
    mask = 0
    rules: list[DayRule] = []
    for item in items:
        value = _read_item(field, item.lower())
        mask |= value.mask
        rules += value.rules
    return FieldValue(mask, tuple(rules))


def _read_item(field: Field, item: str) -> FieldValue:
    if not item:
        raise CronError("bad_value", f"{field.name}: an item of the list is empty", field=field.name)
    if field is DAY and (rule := _day_rule(item)):
        return FieldValue(0, (rule,))
    if field is WEEKDAY and (rule := _weekday_rule(item)):
        return FieldValue(0, (rule,))
    body, slash, step_text = item.partition("/")
    step = _step(field, step_text) if slash else 1
    if body in ("*", "?"):
        if body == "?" and (field not in (DAY, WEEKDAY) or slash):
            raise CronError(
                "bad_value", f"{field.name}: '?' may only stand alone in the day and weekday fields", field=field.name
            )
        return _run(field, field.low, 6 if field is WEEKDAY else field.high, step)
    first_text, dash, last_text = body.partition("-")
    first = number(field, first_text)
    if dash:
        last = _range_end(field, first, last_text)
    elif slash:
        last = 6 if field is WEEKDAY and first < 7 else field.high
    else:
        last = first
    return _run(field, first, last, step)


def _range_end(field: Field, first: int, text: str) -> int:
    last = number(field, text)
    if field is WEEKDAY and last == 0 and first > 0 and not text.isdigit():
        last = 7  # SAT-SUN: a week may end with Sunday when it is spelled out
    if last < first:
        hint = f'did you mean "{first}-{min(field.high, 6) if field is WEEKDAY else field.high},{field.low}-{last}"?'
        raise CronError(
            "wraps_around", f"{field.name}: the range {first}-{last} runs backwards", field=field.name, hint=hint
        )
    return last


def _run(field: Field, first: int, last: int, step: int) -> FieldValue:
    if field is YEAR:
        first, last = first - field.low, last - field.low
    if step == 1:
        mask = (2 << last) - (1 << first)
    else:
        mask = 0
        for value in range(first, last + 1, step):
            mask |= 1 << value
    if field is WEEKDAY and mask >> 7:
        mask = (mask | 1) & 0x7F  # 7 is Sunday too
    return FieldValue(mask)


def number(field: Field, text: str) -> int:
    """A value of the field from digits or a name; raises CronError when it is neither or out of range."""
    if text.isdigit():
        value = int(text) if len(text) <= 6 else field.high + 1
    elif text in field.words:
        return field.words[text]
    else:
        raise CronError(
            "bad_value",
            f"{field.name}: {text!r} is not a value of this field",
            field=field.name,
            hint=_value_hint(field),
        )
    if not field.low <= value <= field.high:
        raise CronError("out_of_range", f"{field.name}: {text} is outside {field.low}-{field.high}", field=field.name)
    return value


def _value_hint(field: Field) -> str:
    names = ", or a name such as " + next(iter(field.words)) if field.words else ""
    return f"expected {field.low}-{field.high}{names}"


def _step(field: Field, text: str) -> int:
    if not text.isdigit() or len(text) > 6 or int(text) == 0:
        raise CronError("bad_step", f"{field.name}: the step {text!r} must be a number from 1 up", field=field.name)
    return int(text)


def _day_rule(item: str) -> DayRule | None:
    if item == "l":
        return DayRule(LAST_DAY, 0)
    if item in ("lw", "wl"):
        return DayRule(LAST_WEEKDAY, 0)
    if item.startswith("l-"):
        back = number(DAY, item[2:])
        if back > 30:
            raise CronError("out_of_range", "day: L-31 is before every month", field="day")
        return DayRule(LAST_DAY, back)
    if item.endswith("w") and item[:-1].isdigit():
        return DayRule("nearest_weekday", number(DAY, item[:-1]))
    return None


def _weekday_rule(item: str) -> DayRule | None:
    head, hash_sign, nth_text = item.partition("#")
    if hash_sign:
        if nth_text not in ("1", "2", "3", "4", "5"):
            raise CronError("out_of_range", f"weekday: {nth_text!r} after # must be 1 to 5", field="weekday")
        return DayRule("nth", number(WEEKDAY, head) % 7, int(nth_text))
    if item == "l":
        raise CronError(
            "bad_value",
            "weekday: L needs a day",
            field="weekday",
            hint='write "5L" for the last Friday, "6L" for the last Saturday',
        )
    if item[0] == "l" and item[1:] and _is_weekday(item[1:]):
        return DayRule("last", number(WEEKDAY, item[1:]) % 7)
    if item[-1] == "l" and _is_weekday(item[:-1]):
        return DayRule("last", number(WEEKDAY, item[:-1]) % 7)
    return None


def _is_weekday(text: str) -> bool:
    return text.isdigit() or text in WEEKDAY.words
