"""Figures of memory for the metrics snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbi.contracts.context import ContextService
from symbi.kernel.context import PluginContext
from symbi_context.service import Context

__all__ = ["collect", "collect_flat"]


async def collect(context: PluginContext) -> Mapping[str, Any]:
    """Return the block `context`."""
    service = context.services.maybe(ContextService)
    return await service.stats() if isinstance(service, Context) else {}


async def collect_flat(context: PluginContext) -> Mapping[str, Any]:
    """Return `vector_db_items`, which stands beside the blocks."""
    service = context.services.maybe(ContextService)
    return (
        {"vector_db_items": await service.vectors.total() if service.vectors.on else 0}
        if isinstance(service, Context)
        else {}
    )
