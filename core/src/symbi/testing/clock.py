"""A clock, identifiers and randomness that a test owns."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import uuid
from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock", "FakeIds"]


class FakeClock:
    """A clock that stands still until `advance` moves it; sleepers wake in order of their due times."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> datetime:
        """Return the time it stands at."""
        return self._now

    def now_ms(self) -> int:
        """Return the time it stands at, in milliseconds."""
        return round(self._now.timestamp() * 1000)

    def monotonic(self) -> float:
        """Return seconds that only `advance` moves."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved the clock past the due time."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._count), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking each sleeper at its own due time and letting it run."""
        await settle()
        goal = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= goal:
            due, _, future = heapq.heappop(self._sleepers)
            self._move(due)
            if not future.done():
                future.set_result(None)
            await settle()
        self._move(goal)
        await settle()

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as an operator or NTP would; monotonic time stays."""
        self._now += timedelta(seconds=seconds)

    def _move(self, monotonic: float) -> None:
        self._now += timedelta(seconds=monotonic - self._monotonic)
        self._monotonic = monotonic


class FakeIds:
    """Identifiers that count up: `00000000-0000-4000-8000-000000000001` and on."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def uuid(self) -> str:
        """Return the next one."""
        return str(uuid.UUID(int=(4 << 76) | (8 << 60) | next(self._count)))


async def settle(rounds: int = 20) -> None:
    """Let every task that can run, run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
