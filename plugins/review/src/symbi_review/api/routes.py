"""The handlers of the plugin `review`: each prefix and all below it goes to the gateway, whatever the method."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, route
from litestar.enums import HttpMethod

from symbi.kernel.services import Services
from symbi_review.api.gateway import answer

__all__ = ["HANDLERS"]

_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE]
_OPT = {"auth": "open", "error_shape": "nested"}
_MOST = 8 << 20


def _handlers(prefix: str) -> list[Any]:
    @route(
        [f"/{prefix}", f"/{prefix}/{{rest:path}}"],
        http_method=_METHODS,
        opt=_OPT,
        include_in_schema=False,
        request_max_body_size=_MOST,
        name=f"review-{prefix}",
        status_code=200,
    )
    async def handle(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
        path = str(request.scope["path"])
        return await answer(request, services, path[path.index(f"/{prefix}") :])

    return [handle]


HANDLERS = [
    handler for prefix in ("sessions", "analysis", "review", "signing", "stats") for handler in _handlers(prefix)
]
