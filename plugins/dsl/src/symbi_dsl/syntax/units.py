"""Durations and sizes: values that keep the unit they were written in (spec `dsl.md` §3)."""

from __future__ import annotations

import re
from typing import ClassVar

__all__ = ["DURATION_UNITS", "SIZE_UNITS", "Duration", "Size", "parse_duration_text", "quantity"]

_SECOND = 1_000_000
DURATION_UNITS: dict[str, int] = {
    "ms": 1_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3_600 * _SECOND,
    "d": 86_400 * _SECOND,
    "w": 604_800 * _SECOND,
    "month": 2_630_016 * _SECOND,
    "months": 2_630_016 * _SECOND,
    "y": 31_557_600 * _SECOND,
    ".milliseconds": 1_000,
    ".seconds": _SECOND,
    ".minutes": 60 * _SECOND,
    ".hours": 3_600 * _SECOND,
    ".days": 86_400 * _SECOND,
    ".weeks": 604_800 * _SECOND,
}
"""Microseconds in each unit a literal may carry."""

SIZE_UNITS: dict[str, int] = {
    "B": 1,
    **{unit: 1024**power for power, unit in enumerate(("KB", "MB", "GB", "TB"), 1)},
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
}
"""Bytes in each unit a literal may carry; all are powers of 1024."""

_WORDS = {
    "ns nsec nanos nanosecond nanoseconds": 0.001,
    "us usec micros microsecond microseconds": 1,
    "ms msec millis millisecond milliseconds": 1_000,
    "s sec secs second seconds": _SECOND,
    "m min mins minute minutes": 60 * _SECOND,
    "h hr hrs hour hours": 3_600 * _SECOND,
    "d day days": 86_400 * _SECOND,
    "w week weeks": 604_800 * _SECOND,
    "M month months": 2_630_016 * _SECOND,
    "y year years": 31_557_600 * _SECOND,
}
_WORD_UNITS: dict[str, float] = {word: size for words, size in _WORDS.items() for word in words.split()}
_PART = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*\.?\s*([A-Za-z]{1,12})\s*")


class Quantity:
    """A whole number of base units (microseconds, bytes) and the unit to show it in."""

    __slots__ = ("base", "unit")
    units: ClassVar[dict[str, int]] = {}

    def __init__(self, base: int, unit: str) -> None:
        self.base = base
        self.unit = unit

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.base == other.base

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.base))

    def __str__(self) -> str:
        size = self.units[self.unit]
        if self.base % size == 0:
            return f"{self.base // size}{self.unit}"
        return f"{self.base / size:.12g}{self.unit}"

    __repr__ = __str__


class Duration(Quantity):
    """A span of time; `base` is in microseconds."""

    __slots__ = ()
    units = DURATION_UNITS

    @property
    def seconds(self) -> float:
        """The span in seconds."""
        return self.base / _SECOND


class Size(Quantity):
    """An amount of data; `base` is in bytes."""

    __slots__ = ()
    units = SIZE_UNITS


def quantity(digits: str, unit: str) -> Duration | Size:
    """Return the value of a literal such as `1.5` and `h`; fractions are exact to the microsecond or byte."""
    whole, _, fraction = digits.partition(".")
    kind: type[Duration] | type[Size] = Duration if unit in DURATION_UNITS else Size
    number = int(whole + fraction) * kind.units[unit]
    return kind(number // 10 ** len(fraction), unit)


def parse_duration_text(text: str) -> float | None:
    """Return the seconds of a duration in quotes (`"1h 30m"`, `"30.seconds"`, `"90"`), or None if it is none."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", text):
        return float(text)
    at, total = 0, 0.0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or part[2] not in _WORD_UNITS:
            return None
        total += float(part[1]) * _WORD_UNITS[part[2]]
        at = part.end()
    return total / _SECOND if text else None
