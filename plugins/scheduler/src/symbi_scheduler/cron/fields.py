"""The seven fields of an expression: their names, bounds and words."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "DAY",
    "FIELDS",
    "FIRST_YEAR",
    "HOUR",
    "LAST_YEAR",
    "MACROS",
    "MINUTE",
    "MONTH",
    "SECOND",
    "WEEKDAY",
    "YEAR",
    "Field",
]

FIRST_YEAR = 1970
LAST_YEAR = 2199


class Field(NamedTuple):
    """One field: values run from `low` to `high` inclusive; `words` maps lower-case names to values."""

    place: int
    name: str
    low: int
    high: int
    words: dict[str, int]


def _words(*spellings: str, start: int) -> dict[str, int]:
    """Each argument holds the spellings of one value, the values counting up from `start`."""
    return {word: start + i for i, line in enumerate(spellings) for word in line.split()}


_MONTHS = _words(
    "jan january",
    "feb february",
    "mar march",
    "apr april",
    "may",
    "jun june",
    "jul july",
    "aug august",
    "sep sept september",
    "oct october",
    "nov november",
    "dec december",
    start=1,
)
_WEEKDAYS = _words(
    "sun sunday",
    "mon monday",
    "tue tues tuesday",
    "wed wednesday",
    "thu thur thurs thursday",
    "fri friday",
    "sat saturday",
    start=0,
)

SECOND = Field(0, "second", 0, 59, {})
MINUTE = Field(1, "minute", 0, 59, {})
HOUR = Field(2, "hour", 0, 23, {})
DAY = Field(3, "day", 1, 31, {})
MONTH = Field(4, "month", 1, 12, _MONTHS)
WEEKDAY = Field(5, "weekday", 0, 7, _WEEKDAYS)
YEAR = Field(6, "year", FIRST_YEAR, LAST_YEAR, {})

FIELDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR)

MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
