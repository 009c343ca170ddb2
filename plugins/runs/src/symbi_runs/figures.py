"""Counts for the metrics snapshot: real, and since this start where they cannot be read from the store."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symbi.contracts.runs import RunService

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from symbi.kernel.clock import Clock
    from symbi.kernel.context import PluginContext

__all__ = ["Figures", "flat", "load_balancer", "task_manager"]

WINDOW_SECONDS = 60.0


class Figures:
    """What has happened since the start, and how often of late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._starts: deque[float] = deque(maxlen=100_000)
        self.ends: Counter[str] = Counter()

    def started(self) -> None:
        """Count a run that was queued."""
        self._starts.append(self._clock.monotonic())

    def ended(self, status: str) -> None:
        """Count a run that has ended."""
        self.ends[status] += 1

    def per_second(self) -> float:
        """Return the runs queued per second over the last minute."""
        edge = self._clock.monotonic() - WINDOW_SECONDS
        while self._starts and self._starts[0] < edge:
            self._starts.popleft()
        return round(len(self._starts) / WINDOW_SECONDS, 3)


async def task_manager(context: PluginContext) -> Mapping[str, Any]:
    """Return the block `task_manager`: runs by what they are doing, from the store."""
    from symbi_runs import statements

    counts = await context.store.read(statements.status_counts)
    return {
        "queued_tasks": counts.get("queued", 0),
        "running_tasks": counts.get("claimed", 0) + counts.get("running", 0) + counts.get("waiting", 0),
        "completed_tasks": counts.get("completed", 0),
        "failed_tasks": counts.get("failed", 0) + counts.get("lost", 0),
        "terminated_tasks": counts.get("terminated", 0),
    }


async def flat(context: PluginContext) -> Mapping[str, Any]:
    """Return `active_agents`: those with a run under way."""
    return {"active_agents": await context.store.read(_active_agents)}


def _active_agents(conn: Connection) -> int:
    from sqlalchemy import func, select

    from symbi_runs.tables import RUNS

    query = select(func.count(RUNS.c.agent_id.distinct())).where(RUNS.c.status == "running")
    return int(conn.execute(query).scalar_one())


async def load_balancer(context: PluginContext) -> Mapping[str, Any]:
    """Return the block `load_balancer`: the slots of this node and how many are taken."""
    from symbi_runs.service import Runs

    runs = context.services.maybe(RunService)
    if not isinstance(runs, Runs):
        return {}
    slots, memory, cores = runs.node.pool.free
    return {
        "total_workers": runs.node.pool.slots,
        "active_workers": runs.node.pool.held,
        "requests_per_second": runs.figures.per_second(),
        "free_slots": slots,
        "free_memory_bytes": memory,
        "free_cores": cores / 1000,
    }
