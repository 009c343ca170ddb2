"""What the agents plugin notes when a run ends."""

from __future__ import annotations

from symbi.contracts.runs import RunEnded
from symbi.kernel.context import PluginContext

__all__ = ["on_run_ended"]


async def on_run_ended(event: RunEnded, context: PluginContext) -> None:
    """Log a run that did not complete, so that the operator's log tells of it without a look into the journal."""
    run = event.run
    if run.status in ("failed", "lost"):
        context.logger.warning("run %s of agent %s %s: %s", run.run_id, run.agent, run.status, (run.error or {}).get("message", "no reason recorded"))
