"""A parsed expression: bit masks for every field, and the rules that the month decides."""

from __future__ import annotations

from typing import Literal

import msgspec

from symbi_scheduler.cron.days import DayRule, rule_mask
from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.fields import FIELDS, FIRST_YEAR, LAST_YEAR, MACROS
from symbi_scheduler.cron.hashing import has_hash, resolve_hash
from symbi_scheduler.cron.items import read_field

__all__ = ["MAX_LENGTH", "CronExpression", "DayMatch", "parse"]

MAX_LENGTH = 256

DayMatch = Literal["and", "or"]

_ALL_DAYS = (1 << 32) - 2
_ALL_MONTHS = (1 << 13) - 2
_ALL_WEEKDAYS = 127
_ALL_YEARS = (1 << (LAST_YEAR - FIRST_YEAR + 1)) - 1


class CronExpression(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What an expression means, apart from any time zone.

    Masks have bit v set for value v; `years` has bit y - 1970. `interval` tells whether the hour or the minute field starts with a
    wildcard, which decides the automatic daylight-saving rule. `source` is the text as given.
    """

    source: str
    fields: tuple[str, ...]
    seconds: int
    minutes: int
    hours: int
    days: int
    day_rules: tuple[DayRule, ...]
    months: int
    weekdays: int
    weekday_rules: tuple[DayRule, ...]
    years: int
    day_match: DayMatch
    interval: bool
    hashed: bool
    first_of_minute: int
    first_of_hour: int
    first_of_day: int
    masks: dict[tuple[int, int], int]

    @property
    def day_restricted(self) -> bool:
        """Whether the day field leaves any day out."""
        return self.days != _ALL_DAYS

    @property
    def weekday_restricted(self) -> bool:
        """Whether the weekday field leaves any weekday out."""
        return self.weekdays != _ALL_WEEKDAYS

    @property
    def all_months(self) -> bool:
        """Whether every month is meant."""
        return self.months == _ALL_MONTHS

    @property
    def all_years(self) -> bool:
        """Whether every year is meant."""
        return self.years == _ALL_YEARS

    def day_mask(self, kind: tuple[int, int]) -> int:
        """Days (bit d = day d) that match in a month of that (length, first weekday); months and years are not looked at."""
        mask = self.masks.get(kind)
        if mask is None:
            mask = self.masks[kind] = self._day_mask(*kind)
        return mask

    def _day_mask(self, length: int, first: int) -> int:
        whole = (2 << length) - 2
        by_day = self.days & whole
        for rule in self.day_rules:
            by_day |= rule_mask(rule, length, first)
        by_weekday = 0
        for day in range(1, length + 1):
            if self.weekdays >> (first + day - 1) % 7 & 1:
                by_weekday |= 1 << day
        for rule in self.weekday_rules:
            by_weekday |= rule_mask(rule, length, first)
        if self.day_match == "or" and self.day_restricted and self.weekday_restricted:
            return by_day | by_weekday
        return by_day & by_weekday


def parse(text: str, *, seed: str | None = None, day_match: DayMatch = "and") -> CronExpression:
    """Read six fields (second minute hour day month weekday), an optional year, or a macro such as `@daily`.

    `seed` is the schedule's id, which places `H`. Raises CronError with the field at fault; requirements R-CRON.
    """
    fields = _split(text)
    interval = fields[1].startswith(("*", "H/", "h/")) or fields[2].startswith(("*", "H/", "h/"))
    hashed = False
    if "H" in text or "h" in text:
        for index, field in enumerate(fields):
            if has_hash(field):
                fields[index] = resolve_hash(index, field, seed=seed or "")
                hashed = True
    second, minute, hour, day, month, weekday = (read_field(index, fields[index]) for index in range(6))
    first_second = _low(second.mask)
    first_of_hour = _low(minute.mask) * 60 + first_second
    return CronExpression(
        source=text,
        fields=tuple(fields),
        seconds=second.mask,
        minutes=minute.mask,
        hours=hour.mask,
        days=day.mask,
        day_rules=day.rules,
        months=month.mask,
        weekdays=weekday.mask,
        weekday_rules=weekday.rules,
        years=read_field(6, fields[6]).mask if len(fields) == 7 else _ALL_YEARS,
        day_match=day_match,
        interval=interval,
        hashed=hashed,
        first_of_minute=first_second,
        first_of_hour=first_of_hour,
        first_of_day=_low(hour.mask) * 3600 + first_of_hour,
        masks={},
    )


def _low(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _split(text: str) -> list[str]:
    if not isinstance(text, str):
        raise CronError("bad_value", "an expression is text")
    if len(text) > MAX_LENGTH:
        raise CronError("too_long", f"an expression has at most {MAX_LENGTH} characters, this one {len(text)}")
    if not text.isascii():
        raise CronError("not_ascii", f"{_culprit(text)}: only ASCII characters are allowed", field=_culprit(text))
    fields = text.split()
    if fields and fields[0][0] == "@":
        fields = _macro(text).split()
    if len(fields) in (6, 7):
        return fields
    raise _wrong_count(text, fields)


def _culprit(text: str) -> str:
    parts = text.split()
    if len(parts) in (6, 7):
        return next(field.name for field, part in zip(FIELDS, parts, strict=False) if not part.isascii())
    return "expression"


def _macro(text: str) -> str:
    name = text.strip().lower()
    if name not in MACROS:
        known = " ".join(MACROS)
        raise CronError(
            "unknown_macro",
            f"{text.strip()!r} is not a known macro",
            hint=f"known are {known}; for a fixed interval use every_seconds",
        )
    return MACROS[name]


def _wrong_count(text: str, fields: list[str]) -> CronError:
    if not fields:
        return CronError("empty", "the expression is empty", hint='six fields are needed, for example "0 0 9 * * *"')
    message = f"an expression has 6 fields (second minute hour day month weekday) and an optional year, this one has {len(fields)}"
    if len(fields) == 5:
        return CronError("field_count", message, hint=f'did you mean "0 {" ".join(fields)}"?')
    return CronError("field_count", message)
