"""`/hooks/…` and `/webhooks/…`: open paths; a request proves itself by its signature."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post

from symbi.kernel.services import Services
from symbi_webhooks.service import Webhooks

__all__ = ["HANDLERS"]


async def _take(request: Request[Any, Any, Any], services: Services) -> Response[dict[str, str]]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    taken = await services.get(Webhooks).take(request.url.path.rstrip("/"), headers, await request.body())
    return Response(taken, status_code=202 if taken["run_id"] else 200)


@post("/hooks/{rest:path}", status_code=202, opt={"auth": "open"})
async def take_hook(request: Request[Any, Any, Any], rest: str, services: Services) -> Response[dict[str, str]]:
    """Start the agent of a declared webhook; the same event again gives the same run."""
    return await _take(request, services)


@post("/webhooks/{rest:path}", status_code=202, opt={"auth": "open"})
async def take_webhook(request: Request[Any, Any, Any], rest: str, services: Services) -> Response[dict[str, str]]:
    """Start the agent of a declared webhook; the same event again gives the same run."""
    return await _take(request, services)


HANDLERS = [take_hook, take_webhook]
