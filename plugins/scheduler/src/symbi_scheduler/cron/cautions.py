"""Warnings about expressions that are valid but often not what their author meant."""

from __future__ import annotations

from symbi_scheduler.cron.expression import CronExpression
from symbi_scheduler.cron.fields import DAY, FIELDS, HOUR, MINUTE, SECOND, WEEKDAY, Field

__all__ = ["cautions"]

_CYCLES = {SECOND.name: (60, "minute"), MINUTE.name: (60, "hour"), HOUR.name: (24, "day")}


def cautions(expression: CronExpression, *, seeded: bool = True) -> list[str]:
    """Sentences for the author, most important first; empty when nothing is odd."""
    found = []
    if expression.day_restricted and expression.weekday_restricted:
        found.append(_day_match(expression))
    found += [text for field, part in zip(FIELDS, expression.fields, strict=False) for text in _uneven(field, part)]
    if (
        expression.days
        and not expression.day_rules
        and not expression.weekday_restricted
        and expression.days & ~((1 << 29) - 1)
    ):
        found += _short_months(expression)
    if expression.hashed and not seeded:
        found.append("H is placed by the schedule's id; without an id these times are an example (pass --id)")
    if expression.seconds == (1 << 60) - 1:
        found.append("every second: the first field is seconds, not minutes")
    return found


def _day_match(expression: CronExpression) -> str:
    if expression.day_match == "or":
        return 'day and weekday are both set and day_match is "or": a day fires when either matches'
    return 'day and weekday are both set and day_match is "and": a day fires only when both match; classic cron takes either (day_match "or")'


def _uneven(field: Field, part: str) -> list[str]:
    cycle, larger = _CYCLES.get(field.name, (0, ""))
    out = []
    for item in part.split(","):
        body, slash, step_text = item.partition("/")
        if not slash or not step_text.isdigit():
            continue
        step, width = int(step_text), field.high - field.low + 1
        if field is WEEKDAY:
            width = 7
        if step >= width:
            out.append(f"step larger than the field: {item} in {field.name} means one value only")
        elif body in ("*", str(field.low)) and cycle and cycle % step:
            out.append(
                f"uneven step: {item} in {field.name} restarts every {larger}, so the last distance is {cycle % step}, not {step}"
            )
        elif field is DAY and body in ("*", "1") and step > 1:
            out.append(f"uneven step: {item} in day restarts every month")
    return out


def _short_months(expression: CronExpression) -> list[str]:
    lowest = (expression.days & -expression.days).bit_length() - 1
    lengths = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    left_out = [month for month in range(1, 13) if expression.months >> month & 1 and lengths[month - 1] < lowest]
    if lowest > 28 and left_out and expression.all_months:
        return [f'months without a day {lowest} are skipped; "L" means the last day of every month']
    return []
