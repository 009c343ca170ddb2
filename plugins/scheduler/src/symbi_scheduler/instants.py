"""Instants as text: ISO 8601, UTC where no offset is given."""

from __future__ import annotations

from datetime import UTC, datetime

from symbi.contracts.errors import InvalidRequest

__all__ = ["read_instant"]


def read_instant(field: str, text: str) -> int:
    """Milliseconds UTC of an ISO 8601 instant; raises InvalidRequest naming the field."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "T", 1))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        message = f"{field}: {text[:64]!r} is not an ISO 8601 time such as 2026-03-08T04:00:00Z"
        raise InvalidRequest(message, code="bad_time", details={"field": field}) from None
