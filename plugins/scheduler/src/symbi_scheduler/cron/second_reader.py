"""croniter as a second pair of eyes: where it reads right, it must read an expression as we do before a schedule is stored."""

from __future__ import annotations

from collections.abc import Sequence

from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.expression import CronExpression
from symbi_scheduler.cron.fields import FIRST_YEAR

__all__ = ["cross_check"]

_PLAIN = frozenset("0123456789*/,-")
_PLACES = ("minutes", "hours", "days", "months", "weekdays", "seconds", "years")

_WHOLE = {
    "minutes": (1 << 60) - 1,
    "hours": (1 << 24) - 1,
    "days": (1 << 32) - 2,
    "months": (1 << 13) - 2,
    "weekdays": 127,
    "seconds": (1 << 60) - 1,
    "years": (1 << 230) - 1,
}


def cross_check(expression: CronExpression) -> None:
    """Refuse an expression that croniter reads differently; raises CronError `readers_disagree`.

    Expressions are handed over in canonical form, as plain numbers: croniter 7 takes an equal range for the whole field, lacks `LW`, `5L`
    and full names, and clamps `31W` (scheduling specification §2.2), so day rules are left out of the comparison.
    """
    from croniter import croniter
    from croniter.croniter import CroniterError

    try:
        read = croniter.expand(_canonical(expression), second_at_beginning=True)[0]
    except (CroniterError, ValueError) as error:
        raise CronError("readers_disagree", f"the second reader refuses this expression: {error}") from error
    for place, values in zip(_PLACES, read, strict=False):
        mask = getattr(expression, place)
        if place in ("days", "weekdays") and not mask:
            continue  # only month-dependent rules stand there
        if _mask(values, place) != mask:
            raise CronError(
                "readers_disagree",
                f"{place}: the two readers of expressions disagree",
                hint="please report this expression",
            )


def _mask(values: Sequence[int | str], place: str) -> int:
    if values == ["*"]:
        return _WHOLE[place]
    mask = 0
    for value in values:
        mask |= 1 << (
            int(value) - FIRST_YEAR if place == "years" else int(value) % 7 if place == "weekdays" else int(value)
        )
    return mask


def _canonical(x: CronExpression) -> str:
    """Our reading written out the way croniter understands: step and range syntax kept, words and rules removed."""
    parts = [part if set(part) <= _PLAIN and not _equal_range(part) else "" for part in x.fields[:6]]
    masks = (x.seconds, x.minutes, x.hours, x.days, x.months, x.weekdays)
    text = " ".join(part or _numbers(mask) for part, mask in zip(parts, masks, strict=True))
    if x.all_years:
        return text
    years = [
        str(bit + FIRST_YEAR) for bit in range(x.years.bit_length()) if x.years >> bit & 1 and bit + FIRST_YEAR < 2100
    ]
    return f"{text} {','.join(years)}" if years and x.years >> 130 == 0 else text


def _equal_range(part: str) -> bool:
    ranges = (item.partition("/")[0].partition("-") for item in part.split(","))
    return any(dash and int(first) == int(last) for first, dash, last in ranges)


def _numbers(mask: int) -> str:
    return ",".join(str(bit) for bit in range(mask.bit_length()) if mask >> bit & 1) or "*"
