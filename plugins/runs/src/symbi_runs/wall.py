"""The time a run may take: counted while it works, and not while it waits for a person or an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock

__all__ = ["WallClock"]


class WallClock:
    """A timer that can be held; `over` is called once, when the time is used up."""

    def __init__(self, seconds: float | None, *, clock: Clock, over: Callable[[], None]) -> None:
        self._left = seconds
        self._clock = clock
        self._over = over
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def run(self) -> None:
        """Let the time run; does nothing while it runs, or where there is no limit."""
        if self._left is None or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        self._since = loop.time()
        self._timer = loop.call_later(self._left, self._over)

    def hold(self) -> None:
        """Stop the time; does nothing while it stands."""
        if self._timer is None or self._since is None or self._left is None:
            return
        self._timer.cancel()
        self._timer = None
        self._left = max(0.0, self._left - (asyncio.get_running_loop().time() - self._since))

    def deadline_ms(self) -> int | None:
        """Return when the time would be used up if it ran on from now, in UTC milliseconds."""
        if self._left is None:
            return None
        spent = (
            asyncio.get_running_loop().time() - self._since
            if self._timer is not None and self._since is not None
            else 0.0
        )
        return self._clock.now_ms() + int((self._left - spent) * 1000)
