"""Checks time zones and moments."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

__all__ = ["moment_problem", "zone_exists", "zone_names"]

_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,40}(?:/[A-Za-z0-9_+\-]{1,40}){0,3}")
_KNOWN = {"UTC"}


def zone_exists(name: str) -> bool:
    """Tell whether the time zone database knows a name."""
    if name in _KNOWN:
        return True
    if not _ZONE.fullmatch(name) or name not in _zones():
        return False
    _KNOWN.add(name)
    return True


def zone_names() -> list[str]:
    """Return every name of the time zone database."""
    return sorted(_zones())


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def moment_problem(text: str) -> str | None:
    """Return what is wrong with an ISO 8601 moment, or None."""
    if len(text) > 40 or not re.match(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text):
        return "not an ISO 8601 time such as `2026-03-01T09:00:00Z`"
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        return str(error)
    return None
