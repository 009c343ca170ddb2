"""Sleeping until there is something to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock

__all__ = ["Wakeup"]


class Wakeup:
    """An event with a time limit: `set` wakes the one who waits; what was set before waiting is not lost."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake whoever waits, now or next."""
        self._event.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until `set`, at most `seconds` (None: for ever)."""
        if seconds is None or self._event.is_set():
            await self._event.wait()
        elif seconds > 0:
            waiting = [asyncio.ensure_future(self._event.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()
        self._event.clear()
