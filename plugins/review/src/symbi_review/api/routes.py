"""The handlers of the plugin `review`: every path of the table is described in the OpenAPI document, and everything below the five prefixes,
whatever path or method, goes to the gateway, so that no answer leaves in another form.
"""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response, route
from litestar.enums import HttpMethod

from symbi.kernel.services import Services
from symbi_review.api.gateway import answer
from symbi_review.api.table import ENDPOINTS, Endpoint

__all__ = ["HANDLERS", "SEED"]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OPT = {"auth": "open", "error_shape": "nested"}
_MOST = 8 << 20
_MEDIA = {
    "/signing/root": "application/x-pem-file",
    "/signing/crl": "application/x-pem-file",
    "/signing/{id}/download": "application/vnd.symbi.signed-tool+zip",
}
_PREFIXES = re.compile(r"/(?:sessions|analysis|review|signing|stats)(?=/|$)")
SEED = frozenset(
    {
        ("POST", "/sessions"),
        ("GET", "/sessions"),
        ("GET", "/sessions/{id}"),
        ("GET", "/analysis/{id}"),
        ("GET", "/review/queue"),
        ("POST", "/review/{id}/decision"),
        ("GET", "/signing/{id}"),
        ("GET", "/signing/{id}/download"),
        ("GET", "/stats"),
    }
)


async def _serve(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
    path = str(request.scope["path"])
    found = _PREFIXES.search(path)
    return await answer(request, services, path[found.start() :] if found else path)


def _handler(paths: list[str], methods: list[str], number: int, endpoint: Endpoint | None = None) -> Any:
    """One Litestar handler; an endpoint of the table is described, the rest is there to be refused in form."""

    async def handle(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
        return await _serve(request, services)

    more: dict[str, Any] = {"include_in_schema": False}
    if endpoint is not None:
        summary = (endpoint.handler.__doc__ or "").strip().rstrip(".")
        tag = "tool review" if (endpoint.method, endpoint.path) in SEED else "x-extension"
        more = {"summary": summary, "tags": [tag], "operation_id": f"review-{endpoint.handler.__name__}"}
        if endpoint.path in _MEDIA:
            more["media_type"] = _MEDIA[endpoint.path]
    created = endpoint is not None and (endpoint.method, endpoint.path) == ("POST", "/sessions")
    kinds = [HttpMethod(method) for method in methods]
    more |= {"status_code": 201 if created else 200, "name": f"review-{number}"}
    decorate: Any = route(paths, http_method=kinds, opt=_OPT, request_max_body_size=_MOST, **more)
    return decorate(handle)


def _all() -> list[Any]:
    handlers: list[Any] = []
    taken: dict[str, list[str]] = {}
    for endpoint in ENDPOINTS:
        path = re.sub(r"\{(\w+)\}", r"{\1:str}", endpoint.path)
        handlers.append(_handler([path], [endpoint.method], len(handlers), endpoint))
        taken.setdefault(path, []).append(endpoint.method)
        parts = path.split("/")[1:]
        for size in range(1, len(parts)):
            taken.setdefault("/" + "/".join(parts[:size]), [])
    groups: dict[tuple[str, ...], list[str]] = {_METHODS: [f"{path}/{{rest:path}}" for path in taken]}
    for path, methods in taken.items():
        groups.setdefault(tuple(method for method in _METHODS if method not in methods), []).append(path)
    handlers += [
        _handler(paths, list(methods), len(handlers) + at) for at, (methods, paths) in enumerate(groups.items())
    ]
    return handlers


HANDLERS = _all()
