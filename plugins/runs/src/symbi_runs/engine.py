"""The local run engine: the queue of one node in memory (`symbi.contracts.engines.RunEngine`).

On a store that nodes share it also looks there for what other nodes have queued.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from symbi.contracts.engines import QueuedRun, RunNode
from symbi.contracts.errors import SymbiError
from symbi_runs.config import ExecutionConfig
from symbi_runs.queue import ReadyQueue

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi.kernel.context import PluginContext

__all__ = ["LocalEngine", "open_local"]

BATCH = 64
IDLE_SECONDS = 5.0
SHARED_POLL_SECONDS = 1.0


class LocalEngine:
    """Gives the node the run whose turn it is, as soon as it has room."""

    def __init__(self, config: ExecutionConfig, clock: Clock) -> None:
        self._clock = clock
        self.queue = ReadyQueue(share_ms=int(config.fair_share_seconds * 1000), max_bypass=config.max_bypass)
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self.queue)

    def add(self, run: QueuedRun) -> None:
        """Take note of a queued run."""
        self.queue.add(run)
        self._wake.set()

    def remove(self, run_id: str) -> None:
        """Forget a run that is not queued any more."""
        self.queue.remove(run_id)

    def done(self, run_id: str) -> None:
        """Take note that a run is over."""
        self.queue.done(run_id)
        self._wake.set()

    def wake(self) -> None:
        """Look again."""
        self._wake.set()

    async def serve(self, node: RunNode) -> None:
        """Take runs for the node until cancelled."""
        while True:
            self._wake.clear()
            taken = self._choose(node)
            if taken:
                await self._take(node, taken)
                continue
            try:
                async with asyncio.timeout(self._pause(node)):
                    await self._wake.wait()
            except TimeoutError:
                if node.shared:
                    await self._look(node)

    def _choose(self, node: RunNode) -> list[QueuedRun]:
        taken: list[QueuedRun] = []
        now = self._clock.now_ms()
        while len(taken) < BATCH:
            run = self.queue.take(now_ms=now, fits=node.reserve)
            if run is None:
                break
            taken.append(run)
        return taken

    async def _take(self, node: RunNode, taken: list[QueuedRun]) -> None:
        try:
            claimed = set(await node.take(taken))
        except SymbiError:
            # The store is away, which its own health says; nothing is lost by waiting.
            for run in taken:
                self.queue.done(run.run_id)
                self.queue.add(run)
            await self._clock.sleep(1.0)
            return
        for run in taken:
            if run.run_id not in claimed:
                self.queue.done(run.run_id)

    async def _look(self, node: RunNode) -> None:
        with contextlib.suppress(SymbiError):
            for run in await node.queued():
                self.queue.add(run)

    def _pause(self, node: RunNode) -> float:
        most = SHARED_POLL_SECONDS if node.shared else IDLE_SECONDS
        due = self.queue.next_due()
        return most if due is None else min(most, max(0.0, (due - self._clock.now_ms()) / 1000))


@contextlib.asynccontextmanager
async def open_local(config: ExecutionConfig, context: PluginContext) -> AsyncIterator[LocalEngine]:
    """Open the engine."""
    yield LocalEngine(config, context.clock)
