"""`GET /api/v1/metrics` (seed, "System Metrics"); open on loopback, as the seed says, and as `[auth] open_paths` decides elsewhere."""

from __future__ import annotations

from typing import Any

from litestar import get

from symbi.contracts.metrics import MetricsService
from symbi.kernel.services import Services

__all__ = ["HANDLERS"]


@get("/metrics", opt={"auth": "loopback"})
async def metrics_snapshot(services: Services) -> dict[str, Any]:
    """Return the snapshot: the seed's blocks, what other plugins count, and the flat numbers that the Python SDK reads."""
    return (await services.get(MetricsService).collect()).wire()


HANDLERS = [metrics_snapshot]
