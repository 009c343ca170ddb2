"""Receiving: stored first, then acted on, in order within each conversation."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.channels import Accepted, InboundMessage
from symbi.contracts.errors import CapacityExceeded, StoreError, Unavailable
from symbi_channels import inbox
from symbi_channels.cleaning import clean_text
from symbi_channels.wakeup import Wakeup

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi_channels.runner import Runner

__all__ = ["Inbound"]

_log = logging.getLogger("symbi.channels")
_AT_ONCE = 32
_BATCH = 500
_STUMBLES = 4
_REMEMBERED = 20_000


class Inbound:
    """Fills the inbox of one channel, and empties it while the runner leads."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._context = runner.hub.context
        self._wakeup = Wakeup(self._context.clock)
        self._queues: dict[str, deque[Row[Any]]] = {}
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def accept(self, message: InboundMessage) -> Accepted:
        """Store a message; it is not lost once this has returned. Raises `CapacityExceeded` or a `StoreError`."""
        counters = self._runner.counters
        if not self._runner.routing.listens_to(message):
            return "ignored"
        if message.event_id in self._seen and not message.nonce:
            counters.deduplicated += 1
            return "duplicate"
        bounded = _bounded(message)
        config = self._runner.hub.config
        result, _ = await self._context.store.write(
            inbox.put, self._runner.id, bounded, self._context.clock.now_ms(), config.max_inbox
        )
        self._seen[message.event_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if result == "new":
            counters.inbound += 1
            self._wakeup.set()
        elif result == "replayed":
            counters.replayed += 1
        else:
            counters.deduplicated += 1
        return result

    async def work(self) -> None:
        """Act on what is in the inbox until cancelled; what is under way then is acted on again by whoever leads next."""
        try:
            while True:
                room = _BATCH - len(self._busy)
                rows = (
                    await self._context.store.read(inbox.pending, self._runner.id, room, tuple(self._busy))
                    if room > 0
                    else ()
                )
                for row in rows:
                    self._queue(row)
                if not rows:
                    await self._wakeup.wait(self._runner.hub.poll_seconds)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._busy.clear()
            self._queues.clear()

    def _queue(self, row: Row[Any]) -> None:
        self._busy.add(row.seq)
        queue = self._queues.get(row.conversation)
        if queue is not None:
            queue.append(row)
            return
        self._queues[row.conversation] = deque([row])
        task = asyncio.get_running_loop().create_task(self._drain(row.conversation), name="channels:inbound")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, conversation: str) -> None:
        queue = self._queues[conversation]
        while queue:
            row = queue[0]
            async with self._slots:
                await self._until_done(row)
            queue.popleft()
            self._busy.discard(row.seq)
        self._queues.pop(conversation, None)
        self._wakeup.set()

    async def _until_done(self, row: Row[Any]) -> None:
        """Act on one message; what cannot be done now (store, queue of runs) is tried again, so that order holds.

        A message over which the code itself stumbles is given up after some tries, or nothing would go on in its conversation.
        """
        pause, stumbles = 0.2, 0
        while True:
            try:
                if stumbles < _STUMBLES:
                    await self._runner.actor.act(row.seq, row.message)
                else:
                    await self._runner.actor.give_up(row.seq, row.message)
                return
            except (CapacityExceeded, Unavailable, StoreError) as error:
                _log.warning("channel %s: message %d waits: %s", self._runner.name, row.seq, error.message)
            except Exception:
                stumbles += 1
                _log.exception("channel %s: message %d failed", self._runner.name, row.seq)
            await self._context.clock.sleep(pause)
            pause = min(pause * 2, 10.0)


def _bounded(message: InboundMessage) -> InboundMessage:
    return msgspec.structs.replace(
        message,
        text=clean_text(message.text),
        sender_name=clean_text(message.sender_name)[:200],
        conversation=message.conversation[:200],
        sender_id=message.sender_id[:200],
        thread=message.thread[:200],
        message_id=message.message_id[:200],
        event_id=message.event_id[:250],
    )
