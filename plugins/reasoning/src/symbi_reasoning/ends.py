"""When a run has ended: its account is closed, its answer noted in the conversation it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbi.contracts.reasoning import ReasoningHost
from symbi.contracts.runs import RunEnded

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["on_run_ended"]


async def on_run_ended(event: RunEnded, context: PluginContext) -> None:
    """Take note of the end of a run."""
    host: Any = context.services.maybe(ReasoningHost)
    accounts = getattr(host, "accounts", None)
    if accounts is not None:
        accounts.close(event.run.run_id)
    thread, number = event.origin.get("chat"), event.origin.get("turn")
    if isinstance(thread, str) and isinstance(number, int):
        from symbi_reasoning.chat.threads import settle

        await settle(context, thread, number, event.run)
