"""The pump: sleeps until the next due instant, fires, claims, starts. No tick: a timer or a change wakes it (scheduling.md §5.1)."""

from __future__ import annotations

import asyncio
import logging

from symbi.contracts.errors import StoreError, SymbiError
from symbi.kernel.context import PluginContext
from symbi_scheduler.claims import claim_queued
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.ending import Ending
from symbi_scheduler.firing import Batch, fire_due, upcoming_work
from symbi_scheduler.lateness import Lateness
from symbi_scheduler.plans import Plans
from symbi_scheduler.starter import Starter
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Pump"]

_log = logging.getLogger("symbi.scheduler")
_LOCKED_PAUSE = 0.01
_LARGER = 20


class Pump:
    """Drives the fires of this node."""

    def __init__(
        self,
        context: PluginContext,
        config: SchedulerConfig,
        keeper: Timekeeper,
        ending: Ending,
        starter: Starter,
        node: str,
    ) -> None:
        self._context = context
        self._config = config
        self._keeper = keeper
        self._ending = ending
        self._starter = starter
        self._node = node
        self._woken = asyncio.Event()
        self._due_at: int | None = 0
        self._queued_at: int | None = 0
        self._plans = Plans(config)
        self.lateness = Lateness()
        self.fault = ""

    def wake(self) -> None:
        """Look at the store again at once."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; a store that fails is tried again, and nothing is fired half-way."""
        while True:
            self._keeper.watch()
            try:
                pause = await self.step()
                self.fault = ""
            except (StoreError, SymbiError, OSError) as error:
                if not self.fault:
                    _log.error("the scheduler cannot fire: %s", error)
                self.fault = str(error)
                pause = 1.0
                self._due_at = self._queued_at = 0
            await self._sleep(pause)

    async def step(self) -> float:
        """Fire and start what is due now; return the seconds until there may be more."""
        self._woken.clear()
        if not self._known_to_be_due():
            # Also when nothing has woken us: another node may have stored or left something.
            self._due_at, self._queued_at = await self._context.store.read(upcoming_work)
        most = self._config.batch
        while self._due_at is not None and self._due_at <= self._keeper.now():
            batch = await self._context.store.write_committed(
                fire_due, self._keeper, self._node, self._plans, self._free(), most
            )
            await self._take(batch)
            if not batch.full:
                break
            most = min(
                most * 2, self._config.batch * _LARGER
            )  # a first small one is durable soon, larger ones write less
        await self._claim()
        return self._pause()

    async def _take(self, batch: Batch) -> None:
        self._due_at, self._queued_at = batch.due_at, batch.queued_at
        for late in batch.lateness:
            self.lateness.note(late)
        if batch.stop:
            self._context.tasks.start("stop replaced runs", self._ending.stop_runs(batch.stop))
        if batch.claimed:
            self._ending.running += len(batch.claimed)
            await self._starter.start(batch.claimed)

    async def _claim(self) -> None:
        lease = round(self._config.lease_seconds * 1000)
        while self._queued_at is not None and self._queued_at <= self._keeper.now() and (free := self._free()) > 0:
            claimed = await self._context.store.write_committed(
                claim_queued, self._keeper, self._node, lease, min(free, self._config.batch)
            )
            if claimed:
                self._ending.running += len(claimed)
                await self._starter.start(claimed)
            _, self._queued_at = await self._context.store.read(upcoming_work)
            if not claimed:
                break

    def _known_to_be_due(self) -> bool:
        return self._due_at is not None and 0 < self._due_at <= self._keeper.now()

    def _free(self) -> int:
        return max(0, self._config.max_concurrent_runs - self._ending.running)

    def _pause(self) -> float:
        now = self._keeper.now()
        times = [self._due_at] if self._queued_at is None or not self._free() else [self._due_at, self._queued_at]
        waits = [(at - now) / 1000 for at in times if at is not None]
        nearest = min(waits, default=self._config.poll_seconds)
        return min(max(nearest, _LOCKED_PAUSE if nearest <= 0 else 0.0), self._config.poll_seconds)

    async def _sleep(self, seconds: float) -> None:
        if self._woken.is_set():
            return
        waiting = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(self._context.clock.sleep(seconds))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
