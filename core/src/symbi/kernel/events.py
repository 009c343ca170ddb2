"""The event bus: typed notifications behind bounded queues. Truth is in the store; an event only tells that it has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from symbi.contracts.taps import Taps

__all__ = ["EventBus", "Subscription"]

E = TypeVar("E")
_log = logging.getLogger("symbi.events")


class Subscription:
    """One subscriber: a bounded queue and the task that empties it, one event at a time, in order."""

    def __init__(self, name: str, handler: Callable[[Any], Awaitable[None]], *, limit: int) -> None:
        self.name = name
        self.dropped = 0
        self.failures = 0
        self._handler = handler
        self._queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=limit)
        self._task = asyncio.get_running_loop().create_task(self._work(), name=f"events:{name}")

    def put(self, event: Any) -> None:
        """Queue the event; a full queue drops it, counted and logged at each power of two."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:
                _log.warning("listener %s is too slow: %d events dropped so far", self.name, self.dropped)

    async def _work(self) -> None:
        while True:
            event = await self._queue.get()
            try:
                await self._handler(event)
            except Exception:
                self.failures += 1
                _log.exception("listener %s failed on %s", self.name, type(event).__name__)
            finally:
                self._queue.task_done()

    async def close(self, *, drain_seconds: float = 2.0) -> None:
        """Let the queue empty for at most `drain_seconds`, then stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), drain_seconds)
        if self._queue.qsize():
            _log.warning("listener %s still had %d events when it was stopped", self.name, self._queue.qsize())
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class EventBus:
    """Publishes events to the subscribers of their exact type and of its bases."""

    def __init__(self) -> None:
        self._subscriptions: dict[type, list[Subscription]] = {}
        self.taps = Taps()

    def wanted(self, event: type) -> bool:
        """Tell whether anybody listens to events of this type, so that costly ones need not be made."""
        return any(self._subscriptions.get(kind) or self.taps.get(kind) for kind in event.__mro__)

    def publish(self, event: Any) -> None:
        """Hand the event to every subscriber's queue; never blocks, never raises."""
        self.taps.call(event)
        for kind in type(event).__mro__:
            for subscription in self._subscriptions.get(kind, ()):
                subscription.put(event)

    def subscribe(
        self, event: type[E], handler: Callable[[E], Awaitable[None]], *, name: str = "", limit: int = 1000
    ) -> Callable[[], Awaitable[None]]:
        """Call `handler` for each event of the type, in order; return the undo. `limit` bounds the events that wait."""
        subscription = Subscription(name or getattr(handler, "__qualname__", "listener"), handler, limit=limit)
        self._subscriptions.setdefault(event, []).append(subscription)

        async def undo() -> None:
            if subscription in self._subscriptions.get(event, ()):
                self._subscriptions[event].remove(subscription)
                await subscription.close(drain_seconds=0)

        return undo

    def figures(self) -> dict[str, int]:
        """Return how many events were dropped and how many handlers failed, in all."""
        every = [each for group in self._subscriptions.values() for each in group]
        return {"dropped": sum(each.dropped for each in every), "failures": sum(each.failures for each in every)}

    async def close(self) -> None:
        """Drain and stop every subscriber."""
        every = [each for group in self._subscriptions.values() for each in group]
        self._subscriptions.clear()
        await asyncio.gather(*(each.close() for each in every))
