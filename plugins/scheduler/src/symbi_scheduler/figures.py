"""The `scheduler` block of the metrics snapshot (seed)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbi.contracts.scheduling import SchedulerService
from symbi.kernel.context import PluginContext
from symbi_scheduler.queries import counts

__all__ = ["collect", "collect_fires"]


async def collect(context: PluginContext) -> Mapping[str, Any]:
    """The seed's seven figures, from the store, so that they outlive a restart and count every node."""
    found = await context.store.read(counts)
    jobs = {name.removeprefix("jobs_"): number for name, number in found.items() if name.startswith("jobs_")}
    return {
        "total_jobs": sum(jobs.values()),
        "active_jobs": jobs.get("active", 0),
        "paused_jobs": jobs.get("paused", 0),
        "failed_jobs": jobs.get("failed", 0) + jobs.get("dead_letter", 0),
        "total_runs": found["runs"],
        "successful_runs": found["succeeded"],
        "dead_letter_count": found["dead_letters"],
    }


async def collect_fires(context: PluginContext) -> Mapping[str, Any]:
    """Fires of this node since its start: how many, how late (a histogram by upper bound in seconds), and jumps of the clock."""
    from symbi_scheduler.service import Scheduler

    scheduler = context.services.maybe(SchedulerService)
    if not isinstance(scheduler, Scheduler):
        return {}
    lateness = scheduler.pump.lateness.snapshot()
    return {
        "recorded": lateness["count"],
        "lateness_sum_seconds": lateness["sum_seconds"],
        "lateness_buckets": lateness["buckets"],
        "clock_jumps": scheduler.keeper.jumps,
    }
