"""Sending: one worker a conversation, in order, with retries; other conversations are not held up by one that waits."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from symbi.contracts.channels import ChannelRefused, OutboundMessage, SendFailed, Sent
from symbi.contracts.errors import SymbiError
from symbi_channels import outbox
from symbi_channels.wakeup import Wakeup

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi_channels.runner import Runner

__all__ = ["Outbound"]

_log = logging.getLogger("symbi.channels")
_DEADLINE = 60.0
_LAST_SECONDS = 5.0


class Outbound:
    """Empties the outbox of one channel while its runner leads."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._clock = runner.hub.context.clock
        self._store = runner.hub.context.store
        self._wakeup = Wakeup(self._clock)
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._sent_at: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[Sent | None]] = {}
        self.last_failed = False

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wakeup.set()

    def expect(self, outbox_id: str) -> asyncio.Future[Sent | None]:
        """Return a future of the message's receipt; None for one that was given up. Ask before it is put into the outbox."""
        future: asyncio.Future[Sent | None] = asyncio.get_running_loop().create_future()
        self._waiting[outbox_id] = future
        future.add_done_callback(lambda _: self._waiting.pop(outbox_id, None))
        return future

    async def work(self) -> None:
        """Start a worker for each conversation that has something to send, until cancelled."""
        try:
            while True:
                for destination in await self._store.read(outbox.destinations, self._runner.id):
                    if destination not in self._workers:
                        self._start(destination)
                await self._wakeup.wait(self._runner.hub.poll_seconds)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        """End the workers; what is on the wire gets some seconds to be noted, or it would be sent again."""
        self._stopping = True
        workers = set(self._workers.values())
        for worker in workers - self._sending:
            worker.cancel()
        if self._sending:
            await asyncio.wait(set(self._sending), timeout=_LAST_SECONDS)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._stopping = False

    def _start(self, destination: str) -> None:
        async def drain() -> None:
            while not self._stopping:
                row = await self._store.read(outbox.first_of, self._runner.id, destination)
                if row is None:
                    return
                await self._one(row)

        def done(task: asyncio.Task[None]) -> None:
            self._workers.pop(destination, None)
            if not task.cancelled() and task.exception() is not None:
                _log.error("channel %s: a worker failed", self._runner.name, exc_info=task.exception())
                asyncio.get_running_loop().call_later(1.0, self.wake)
            elif not task.cancelled() and not self._stopping:
                self.wake()

        task = asyncio.get_running_loop().create_task(drain(), name=f"channels:{self._runner.name}:{destination}"[:80])
        self._workers[destination] = task
        task.add_done_callback(done)

    async def _one(self, row: Row[Any]) -> None:
        """Try the next message of a conversation once, when it is due."""
        late = row.next_try - self._clock.now_ms()
        if late > 0:
            await self._clock.sleep(late / 1000)
        await self._keep_rate(row.destination)
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        try:
            await self._try(row)
        finally:
            self._sending.discard(task)

    async def _try(self, row: Row[Any]) -> None:
        """Send it, and note what came of it."""
        channel = self._runner.channel
        try:
            async with asyncio.timeout(_DEADLINE):
                receipt = await self._transmit(row)
        except ChannelRefused as error:
            await self._store.write(outbox.retry, row.seq, error.message, self._clock.now_ms() + 1000)
            self._stopping = True
            await self._runner.refused(error)
        except SendFailed as error:
            await self._failed(row, error)
        except TimeoutError:
            await self._failed(row, SendFailed(f"no answer within {_DEADLINE:g} s", retryable=True))
        except SymbiError as error:
            await self._failed(row, SendFailed(error.message, retryable=False))
        except Exception as error:
            _log.exception("channel %s: %s failed while sending", self._runner.name, type(channel).__name__)
            await self._failed(row, SendFailed(f"the platform's plugin failed: {type(error).__name__}", retryable=True))
        else:
            await self._done(row, receipt)

    async def _transmit(self, row: Row[Any]) -> Sent:
        channel = self._runner.channel
        if not row.edits:
            return await channel.send(row.message)
        original = await self._store.read(outbox.find, row.edits)
        known: Sent | None = original.sent if original is not None else None
        if known is not None and known.message_id:
            try:
                await channel.edit(known, row.message)
                return known
            except SendFailed as error:
                if error.retryable:
                    raise
        if row.optional:
            return Sent()
        return await channel.send(row.message)

    async def _done(self, row: Row[Any], receipt: Sent) -> None:
        now = self._clock.now_ms()
        await self._store.write(outbox.sent, row.seq, receipt, now)
        self.last_failed = False
        self._sent_at[row.destination] = self._clock.monotonic()
        if len(self._sent_at) > 10_000:
            self._sent_at.clear()
        self._runner.counters.delivered(now - row.created_at)
        self._tell(row.id, receipt)
        if not row.optional:
            await self._record(row, "sent", message_id=receipt.message_id)

    async def _failed(self, row: Row[Any], error: SendFailed) -> None:
        now = self._clock.now_ms()
        config = self._runner.hub.config
        self.last_failed = True
        if error.status == 429 or error.retry_after is not None:
            self._runner.counters.rate_limited += 1
        too_old = now - row.created_at > config.give_up_hours * 3_600_000
        if error.retryable and not too_old and not row.optional:
            self._runner.counters.retried += 1
            pause = min(config.retry_first_seconds * 2 ** min(row.attempts, 20), config.retry_most_seconds)
            pause *= 0.9 + 0.2 * self._runner.hub.context.random.random()
            wait = pause if error.retry_after is None else min(error.retry_after, 3600.0)
            await self._store.write(outbox.retry, row.seq, error.message, now + round(wait * 1000))
            return
        await self._store.write(outbox.fail, row.seq, error.message, now)
        self._tell(row.id, None)
        if not row.optional:
            self._runner.counters.failed += 1
            _log.warning("channel %s: a message was not delivered: %s", self._runner.name, error.message)
            await self._record(row, "failed", error=error.message)

    async def _keep_rate(self, destination: str) -> None:
        per_second = self._runner.channel.limits.per_second
        if per_second and destination in self._sent_at:
            wait = self._sent_at[destination] + 1 / per_second - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)

    def _tell(self, outbox_id: str, receipt: Sent | None) -> None:
        future = self._waiting.get(outbox_id)
        if future is not None and not future.done():
            future.set_result(receipt)

    async def _record(self, row: Row[Any], outcome: str, **details: Any) -> None:
        from symbi_channels.trail import text_facts

        message: OutboundMessage = row.message
        facts = text_facts(message.text, store=self._runner.routing.store_text)
        await self._runner.hub.trail.record(
            "message.outbound",
            self._runner.id,
            outcome=outcome,
            conversation=message.conversation,
            **facts,
            attempts=row.attempts + 1,
            **details,
        )
