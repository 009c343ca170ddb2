"""The figures of approvals for the metrics snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symbi.contracts.approvals import Approvals

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["collect"]

STATUSES = ("pending", "approved", "denied", "expired", "cancelled")


async def collect(context: PluginContext) -> Mapping[str, Any]:
    """Return how many held actions there are of each status."""
    service = context.services.maybe(Approvals)
    counts = await service.counts() if service is not None and hasattr(service, "counts") else {}
    return {status: counts.get(status, 0) for status in STATUSES}
