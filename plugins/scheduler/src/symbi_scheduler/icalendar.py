"""Days of an iCalendar text (RFC 5545): VEVENTs with their recurrence, as ISO dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from symbi.contracts.errors import InvalidRequest
from symbi_scheduler.recurrence import recurrences

__all__ = ["read_icalendar"]

_LONGEST = 1024 * 1024
_MOST = 10_000
_LONGEST_EVENT = 366


def read_icalendar(text: str) -> tuple[str, ...]:
    """The local dates of all events, recurring ones for twenty years from their start; raises InvalidRequest."""
    if len(text) > _LONGEST:
        raise _wrong(f"at most {_LONGEST} characters")
    found: set[date] = set()
    for event in _events(_unfold(text)):
        found |= set(_days(event))
        if len(found) > _MOST:
            raise _wrong(f"more than {_MOST} days")
    return tuple(sorted(day.isoformat() for day in found))


def _unfold(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line[1:]
        elif line:
            lines.append(line)
    if not lines or lines[0].strip().upper() != "BEGIN:VCALENDAR":
        raise _wrong("a calendar begins with BEGIN:VCALENDAR")
    return lines


def _events(lines: Iterable[str]) -> Iterator[dict[str, list[str]]]:
    event: dict[str, list[str]] | None = None
    for line in lines:
        head, _, value = line.partition(":")
        name = head.partition(";")[0].strip().upper()
        if name == "BEGIN" and value.strip().upper() == "VEVENT":
            event = {}
        elif name == "END" and value.strip().upper() == "VEVENT" and event is not None:
            yield event
            event = None
        elif event is not None and name in ("DTSTART", "DTEND", "RRULE", "EXDATE", "RDATE"):
            event.setdefault(name, []).append(value.strip())


def _days(event: dict[str, list[str]]) -> Iterator[date]:
    if "DTSTART" not in event:
        raise _wrong("an event has no DTSTART")
    first = _date(event["DTSTART"][0])
    length = max(1, (_date(event["DTEND"][0]) - first).days) if "DTEND" in event else 1
    if length > _LONGEST_EVENT:
        raise _wrong(f"an event is longer than {_LONGEST_EVENT} days")
    left_out = {_date(part) for value in event.get("EXDATE", ()) for part in value.split(",")}
    starts = {first, *(_date(part) for value in event.get("RDATE", ()) for part in value.split(","))}
    for rule in event.get("RRULE", ()):
        starts |= set(recurrences(rule, first))
    for start in starts - left_out:
        for offset in range(length):
            yield start + timedelta(days=offset)


def _date(text: str) -> date:
    digits = text[:8]
    if len(digits) != 8 or not digits.isdigit():
        raise _wrong(f"{text[:40]!r} is not a date")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise _wrong(f"{text[:40]!r} is not a date") from None


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(f"ical: {message}", details={"field": "ical"})
