"""This node: what it holds, what it has claimed, and what becomes of claims that were lost (`symbi.contracts.engines.RunNode`).

Several nodes on one PostgreSQL work on the same runs: claims skip what another node has locked, leases and fences decide who owns a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from symbi.contracts.engines import QueuedRun
from symbi.contracts.errors import SymbiError
from symbi_runs import statements
from symbi_runs.admission import Pool
from symbi_runs.config import ExecutionConfig
from symbi_runs.processes import end_orphan
from symbi_runs.records import RunRecord

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Node"]

Carry = Callable[[RunRecord, int], Awaitable[QueuedRun | None]]
Freed = Callable[[str, QueuedRun | None], None]


class Node:
    """Carries out what an engine gives it; `freed` is told of each run that is over here, and of what is to be queued again."""

    def __init__(
        self,
        context: PluginContext,
        config: ExecutionConfig,
        *,
        name: str,
        pool: Pool,
        carry: Carry,
        lost: Callable[[RunRecord], Awaitable[None]],
        freed: Freed,
    ) -> None:
        self._context = context
        self._config = config
        self._carry = carry
        self._lost = lost
        self._freed = freed
        self.name = name
        self.pool = pool
        self.draining = False
        self.scope: Literal["all", "own", "none"] = "all"
        """Which runs it takes: any, only those that were started in this process, or none."""
        self.own: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def shared(self) -> bool:
        """Tell whether other nodes may work on the same store."""
        return self._context.store.dialect == "postgresql"

    def reserve(self, run: QueuedRun) -> bool:
        """Keep room for the run, where there is some."""
        # One that can never fit is let through, to fail with a reason instead of waiting for ever.
        if self.draining or not (self.pool.fits(run) or not self.pool.can_ever_hold(run)):
            return False
        self.pool.take(run)
        return True

    def wants(self, run_id: str) -> bool:
        """Tell whether the run is for this node at all."""
        return self.scope == "all" or (self.scope == "own" and run_id in self.own)

    async def queued(self) -> Sequence[QueuedRun]:
        """Return the runs that are queued in the store, if they are any business of this node's."""
        if self.scope != "all":
            return ()
        return await self._context.store.read(statements.load_queue, self._config.max_queued)

    async def take(self, runs: Sequence[QueuedRun]) -> Sequence[str]:
        """Claim runs and carry them out in the background; return the ids of those that were claimed."""
        now = self._context.clock.now_ms()
        lease_ms = int(self._config.lease_seconds * 1000)
        run_ids = [run.run_id for run in runs]
        got: list[str] = []
        try:
            claimed = await self._context.store.write_committed(
                statements.claim, run_ids, owner=self.name, lease_ms=lease_ms, now=now
            )
            for record, seq in claimed:
                got.append(record.id)
                work = self._carry_one(record, seq)
                task = asyncio.get_running_loop().create_task(work, name=f"run {record.id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for run_id in run_ids:
                if run_id not in got:
                    self.pool.give_back(run_id)
        return got

    async def _carry_one(self, record: RunRecord, seq: int) -> None:
        again = None
        try:
            again = await self._carry(record, seq)
        except Exception:
            self._context.logger.exception("run %s: the attempt failed inside the runtime", record.id)
        finally:
            self.pool.give_back(record.id)
            if again is None:
                self.own.discard(record.id)
            self._freed(record.id, again)

    async def keep_leases(
        self, held: Callable[[], Sequence[str]], cancelled: Callable[[str, dict[str, Any]], None]
    ) -> None:
        """Renew the leases of the runs in hand, hear of cancellations from other nodes, and reap what others have lost."""
        while True:
            await self._context.clock.sleep(self._config.lease_seconds / 3)
            try:
                await self._renew(held(), cancelled)
                await self.reap(everything=False)
            except SymbiError as error:
                self._context.logger.error("leases cannot be renewed: %s", error)

    async def _renew(self, held: Sequence[str], cancelled: Callable[[str, dict[str, Any]], None]) -> None:
        lease_ms, now = int(self._config.lease_seconds * 1000), self._context.clock.now_ms()
        answers = await self._context.store.write_committed(
            statements.renew, held, owner=self.name, lease_ms=lease_ms, now=now
        )
        for run_id, cancel in answers:
            if cancel is not None:
                cancelled(run_id, cancel)

    async def reap(self, *, everything: bool) -> int:
        """Hand over the runs whose owner is gone; return how many."""
        now = self._context.clock.now_ms()
        found = await self._context.store.read(statements.stray_runs, now=now, everything=everything)
        strays = [record for record in found if everything or record.owner != self.name or record.id not in self.pool]
        for record in strays:
            if end_orphan(record.process):
                self._context.logger.warning("the process of run %s had outlived its runtime and was ended", record.id)
            await self._lost(record)
        return len(strays)

    async def idle(self) -> None:
        """Return once no attempt is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))
