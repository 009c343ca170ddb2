"""How many agents there are, for the flat numbers of the metrics snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["collect"]


async def collect(context: PluginContext) -> Mapping[str, Any]:
    """Return `total_agents`: those that are not archived."""
    from symbi_agents.records import active_count

    return {"total_agents": await context.store.read(active_count)}
