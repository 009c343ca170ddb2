"""The `scheduler` block of the metrics snapshot (seed)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbi.kernel.context import PluginContext
from symbi_scheduler.queries import counts

__all__ = ["collect"]


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
