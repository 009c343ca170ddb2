"""Time, identifiers and randomness: they come through the context, so that tests own them."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "Ids", "SystemClock", "SystemIds", "from_ms", "rfc3339", "to_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""

    def now_ms(self) -> int:
        """Return the wall clock in milliseconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Pause for `seconds`."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Ids(Protocol):
    """Where identifiers come from."""

    def uuid(self) -> str:
        """Return a fresh UUID as text; unguessable."""


class SystemIds:
    """Random UUIDs of version 4, from the operating system's generator."""

    def uuid(self) -> str:
        return str(uuid.uuid4())


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970, UTC, of an aware datetime."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the aware UTC datetime of milliseconds since 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


def rfc3339(moment: datetime | int) -> str:
    """Return RFC 3339 text in UTC with `Z`; milliseconds are written only where they are not zero."""
    if isinstance(moment, int):
        moment = from_ms(moment)
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text.replace(".000Z", "Z")
