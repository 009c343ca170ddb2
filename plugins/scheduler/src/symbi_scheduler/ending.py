"""What happens when a run ends: the fire is settled, waiting work is woken, runs that must go are stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection, select

from symbi.contracts.errors import Conflict, NotFound, SymbiError
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunEnded, RunService, RunView
from symbi.contracts.scheduling import FireSettled
from symbi.kernel.context import PluginContext
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.settling import Outcome, Settled, settle
from symbi_scheduler.tables import FIRES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["SCHEDULER", "Ending"]

_log = logging.getLogger("symbi.scheduler")
_AT_ONCE = 64

SCHEDULER = Principal(id="system:scheduler", kind="system", admin=True, display_name="scheduler")


class Ending:
    """Settles fires and tells the pump and the courier about work that came of it."""

    def __init__(self, context: PluginContext, config: SchedulerConfig, keeper: Timekeeper, node: str) -> None:
        self._context = context
        self._config = config
        self._keeper = keeper
        self._node = node
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.running = 0
        self.wake: Callable[[], None] = lambda: None
        self.deliver: Callable[[], None] = lambda: None

    async def on_run_ended(self, event: RunEnded) -> None:
        """Settle the fire of a run that ended, whichever node started it."""
        if event.run.schedule_id is None:
            return
        await self._room.acquire()  # many at once share one commit of the store, but not without bound
        self._context.tasks.start(f"settle {event.run.run_id}", self._settle(event))

    async def _settle(self, event: RunEnded) -> None:
        try:
            await self._run_ended(event)
        finally:
            self._room.release()

    async def _run_ended(self, event: RunEnded) -> None:
        fire = event.origin.get("fire_id") or await self._context.store.read(_fire_of_run, event.run.run_id)
        if fire is not None:
            await self.run_ended(event.run, str(fire))

    async def run_ended(self, run: RunView, fire: str) -> None:
        """Settle a fire by what became of its run."""
        error = run.error if run.status != "completed" else None
        reason = str((error or {}).get("message", ""))
        await self.end(
            fire,
            Outcome(
                status=run.status, at=self._keeper.now(), run_id=run.run_id, started_at=run.started_at or run.created_at,
                ended_at=run.completed_at, result=run.result,
                error=error, reason=reason,
            ),
        )  # fmt: skip

    async def end(self, fire: str, outcome: Outcome) -> Settled | None:
        """Settle a fire once, and pass on what follows from it."""
        settled = await self._context.store.write_committed(
            settle, fire, outcome, self._config, self._context.random.random()
        )
        if settled is None:
            return None
        if settled.node == self._node:
            self.running = max(0, self.running - 1)
        if settled.paused:
            _log.warning("schedule %r was paused: too many runs failed in a row", settled.schedule)
        self.wake()
        if settled.delivers:
            self.deliver()
        self._context.events.publish(FireSettled(fire=settled.view, schedule=settled.schedule))
        return settled

    def freed(self, _again: int) -> None:
        """A claimed fire went back to the queue."""
        self.running = max(0, self.running - 1)
        self.wake()

    async def stop_runs(self, schedule_ids: list[str]) -> None:
        """Stop the runs under way of these schedules, because a newer fire replaces them (R-OVL)."""
        runs = self._context.services.maybe(RunService)
        if runs is None:
            return
        for run_id in await self._context.store.read(_runs_of, schedule_ids):
            try:
                await runs.cancel(run_id, principal=SCHEDULER, reason="replaced by the next fire of its schedule")
            except (Conflict, NotFound):
                pass  # it ended in the meantime
            except SymbiError as error:
                _log.warning("run %s could not be stopped: %s", run_id, error)


def _fire_of_run(conn: Connection, run_id: str) -> str | None:
    return conn.execute(select(FIRES.c.id).where(FIRES.c.run_id == run_id)).scalar()


def _runs_of(conn: Connection, schedule_ids: list[str]) -> list[str]:
    where = (FIRES.c.schedule_id.in_(schedule_ids), FIRES.c.state == "running", FIRES.c.run_id.is_not(None))
    return [str(run_id) for run_id in conn.execute(select(FIRES.c.run_id).where(*where)).scalars()]
