"""The local run engine: takes runs that are due, as many as the machine can carry, and sees to claims that were lost.

Several nodes on one PostgreSQL each run this engine: claims skip what another node has locked, leases and fences decide who owns a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from symbi.contracts.errors import SymbiError
from symbi_runs import statements
from symbi_runs.admission import Pool
from symbi_runs.config import ExecutionConfig
from symbi_runs.processes import end_orphan
from symbi_runs.queue import Entry, ReadyQueue
from symbi_runs.records import RunRecord

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["LocalEngine"]

BATCH = 64
IDLE_SECONDS = 5.0
SHARED_POLL_SECONDS = 1.0

Carry = Callable[[RunRecord, int], Awaitable[Entry | None]]


class LocalEngine:
    """One node: its queue, its pool, its claims."""

    def __init__(
        self,
        context: PluginContext,
        config: ExecutionConfig,
        *,
        node: str,
        pool: Pool,
        carry: Carry,
        lost: Callable[[RunRecord], Awaitable[None]],
    ) -> None:
        self._context = context
        self._config = config
        self._carry = carry
        self._lost = lost
        self.node = node
        self.pool = pool
        self.queue = ReadyQueue(share_ms=int(config.fair_share_seconds * 1000), max_bypass=config.max_bypass)
        self._wake = asyncio.Event()
        self.draining = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def shared(self) -> bool:
        """Tell whether other nodes may work on the same store."""
        return self._context.store.dialect == "postgresql"

    def add(self, entry: Entry) -> None:
        """Queue a run that has been stored."""
        self.queue.add(entry)
        self._wake.set()

    def wake(self) -> None:
        """Look again: something was freed, or has come."""
        self._wake.set()

    async def recover(self) -> int:
        """Take up what an earlier life has left, and load what is queued; return how many runs wait."""
        await self.reap(everything=not self.shared)
        return await self._load()

    async def _load(self) -> int:
        entries = await self._context.store.read(statements.load_queue, self._config.max_queued)
        for entry in entries:
            self.queue.add(entry)
        return len(entries)

    async def run(self) -> None:
        """Take and start runs until cancelled."""
        while True:
            self._wake.clear()
            taken = [] if self.draining else self._take()
            if taken:
                await self._claim(taken)
                continue
            try:
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            except TimeoutError:
                if self.shared and not self.draining:
                    await self._load()

    def _pause(self) -> float:
        most = SHARED_POLL_SECONDS if self.shared else IDLE_SECONDS
        due = self.queue.next_due()
        return most if due is None else min(most, max(0.0, (due - self._context.clock.now_ms()) / 1000))

    def _take(self) -> list[Entry]:
        taken: list[Entry] = []
        now = self._context.clock.now_ms()
        while len(taken) < BATCH:
            entry = self.queue.take(now_ms=now, fits=self._fits)
            if entry is None:
                break
            self.pool.take(entry)
            taken.append(entry)
        return taken

    def _fits(self, entry: Entry) -> bool:
        # One that can never fit is let through, to fail with a reason instead of waiting for ever.
        return self.pool.fits(entry) or not self.pool.can_ever_hold(entry)

    async def _claim(self, taken: list[Entry]) -> None:
        now = self._context.clock.now_ms()
        until = now + int(self._config.lease_seconds * 1000)
        run_ids = [entry.run_id for entry in taken]
        try:
            claimed = await self._context.store.write_committed(
                statements.claim, run_ids, owner=self.node, until=until, now=now
            )
        except SymbiError as error:
            self._context.logger.error("runs cannot be claimed: %s", error)
            for entry in taken:
                self._release(entry.run_id)
                self.queue.add(entry)
            await self._context.clock.sleep(1.0)
            return
        got = set()
        for record, seq in claimed:
            got.add(record.id)
            task = asyncio.get_running_loop().create_task(self._carry_one(record, seq), name=f"run {record.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        for run_id in run_ids:
            if run_id not in got:
                self._release(run_id)

    async def _carry_one(self, record: RunRecord, seq: int) -> None:
        again = None
        try:
            again = await self._carry(record, seq)
        except Exception:
            self._context.logger.exception("run %s: the attempt failed inside the runtime", record.id)
        finally:
            self._release(record.id)
        if again is not None:
            self.add(again)

    def _release(self, run_id: str) -> None:
        self.pool.give_back(run_id)
        self.queue.done(run_id)
        self._wake.set()

    async def keep_leases(
        self, held: Callable[[], dict[str, int]], cancelled: Callable[[str, dict[str, object]], None]
    ) -> None:
        """Renew the leases of the runs in hand, hear of cancellations from other nodes, and reap what others have lost."""
        while True:
            await self._context.clock.sleep(self._config.lease_seconds / 3)
            try:
                await self._renew(held(), cancelled)
                await self.reap(everything=False)
            except SymbiError as error:
                self._context.logger.error("leases cannot be renewed: %s", error)

    async def _renew(self, held: dict[str, int], cancelled: Callable[[str, dict[str, object]], None]) -> None:
        until = self._context.clock.now_ms() + int(self._config.lease_seconds * 1000)
        for run_id, cancel in await self._context.store.write_committed(
            statements.renew, list(held), owner=self.node, until=until
        ):
            if cancel is not None:
                cancelled(run_id, cancel)

    async def reap(self, *, everything: bool) -> int:
        """Hand over the runs whose owner is gone; return how many."""
        now = self._context.clock.now_ms()
        found = await self._context.store.read(statements.stray_runs, now=now, everything=everything)
        strays = [record for record in found if everything or record.owner != self.node or record.id not in self.pool]
        for record in strays:
            if end_orphan(record.process):
                self._context.logger.warning("the process of run %s had outlived its runtime and was ended", record.id)
            await self._lost(record)
        return len(strays)

    async def idle(self) -> None:
        """Return once no attempt is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))
