"""Whether runs are taken, and how many wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbi.contracts.health import Health, degraded, healthy, unhealthy
from symbi.contracts.runs import RunService

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["check_runs"]


async def check_runs(context: PluginContext) -> Health:
    """Say how full queue and pool are."""
    from symbi_runs.service import Runs

    runs = context.services.maybe(RunService)
    if not isinstance(runs, Runs):
        return unhealthy("the service of runs is not open", remedy="symbi plugins doctor")
    queued, held = len(runs.engine), runs.node.pool.held
    if queued > runs.config.max_queued * 0.9:
        remedy = "raise [execution] max_running, or add nodes on PostgreSQL"
        return degraded(f"{queued} runs wait, {runs.config.max_queued} may", remedy=remedy, queued=queued, running=held)
    return healthy(queued=queued, running=held)
