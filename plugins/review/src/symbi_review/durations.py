"""Durations as the seed writes them: "45m", "2h 30m", "1d 4h"."""

from __future__ import annotations

__all__ = ["duration_text", "rfc3339"]

from datetime import UTC, datetime


def duration_text(seconds: float) -> str:
    """The two largest of days, hours and minutes; parts of zero are left out; less than a minute is "0m"."""
    minutes = int(seconds // 60)
    parts = [(minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "m")]
    while parts and parts[0][0] == 0:
        parts.pop(0)
    shown = [f"{count}{unit}" for count, unit in parts[:2] if count]
    return " ".join(shown) or "0m"


def rfc3339(at_ms: int | None) -> str | None:
    """RFC 3339 with `Z`, to the second; None stays None."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
