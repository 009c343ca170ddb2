"""`GET /metrics`: what Prometheus scrapes. Open on loopback and as `[auth] open_paths` decides elsewhere."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from symbi.contracts.metrics import MetricsService
from symbi.kernel.kernel import core_version
from symbi.kernel.services import Services
from symbi_prometheus.exposition import OPENMETRICS, TEXT, expose

__all__ = ["HANDLERS"]


@get("/metrics", opt={"auth": "loopback"}, media_type="text/plain")
async def scrape(request: Request[Any, Any, Any], services: Services) -> Response[bytes]:
    """Return all instruments: OpenMetrics where the scraper accepts it, Prometheus text otherwise."""
    openmetrics = "application/openmetrics-text" in request.headers.get("accept", "")
    snapshot = await services.get(MetricsService).collect()
    text = expose(snapshot, version=core_version(), openmetrics=openmetrics)
    return Response(text.encode(), media_type=OPENMETRICS if openmetrics else TEXT)


HANDLERS = [scrape]
