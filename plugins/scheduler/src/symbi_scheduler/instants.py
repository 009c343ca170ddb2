"""Instants as text: ISO 8601, between 1970 and 2199."""

from __future__ import annotations

from datetime import UTC, datetime

from symbi.contracts.errors import InvalidRequest
from symbi_scheduler.cron.fields import FIRST_YEAR, LAST_YEAR

__all__ = ["parse_moment", "read_instant"]


def parse_moment(field: str, text: str) -> datetime:
    """The moment that an ISO 8601 text names, with or without an offset; raises InvalidRequest naming the field."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, AttributeError):
        message = f"{field}: {str(text)[:64]!r} is not an ISO 8601 time such as 2026-11-01T01:30:00Z"
        raise InvalidRequest(message, code="bad_time", details={"field": field}) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        message = f"{field}: the year lies between {FIRST_YEAR} and {LAST_YEAR}"
        raise InvalidRequest(message, code="out_of_range", details={"field": field})
    return moment


def read_instant(field: str, text: str) -> int:
    """Milliseconds UTC of an ISO 8601 instant, UTC where no offset is given; raises InvalidRequest naming the field."""
    moment = parse_moment(field, text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
