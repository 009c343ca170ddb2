"""The description of the API (OpenAPI 3.1) and a page that shows it; the page loads nothing from elsewhere."""

from __future__ import annotations

import logging
import threading
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from symbi.contracts.errors import NotFound
from symbi.http.litestar_app import PlainLitestar

__all__ = ["DOCS_HANDLERS", "Description", "openapi_config"]

_log = logging.getLogger("symbi.http.openapi")
_MEDIA = {
    "docs.html": "text/html; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}
_ERROR = {
    "type": "object",
    "required": ["error", "code", "details"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "details": {"type": ["object", "null"]}},
}
_NESTED_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": ["object", "null"]},
            },
        }
    },
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body again gets the first answer again, for a day.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
_ERRORS = {
    "400": "The request is malformed, or a field of it is wrong.",
    "401": "No valid credential.",
    "403": "The credential does not allow it.",
    "404": "No such thing.",
    "429": "Too many requests.",
    "default": "Any other error.",
}


def openapi_config(version: str) -> OpenAPIConfig:
    """Return how Litestar describes an application; the one that serves has none, since Litestar would serve pages that load from elsewhere."""
    return OpenAPIConfig(
        title="Symbi",
        version=version,
        description="Runs AI agents under policy. Every error has the body of the schema Error.",
        use_handler_docstrings=True,
        security=[{"bearer": []}],
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
    )


class Description:
    """The OpenAPI document, made on first use; a plugin whose routes cannot be described is left out of it and named."""

    def __init__(self, *, version: str, routers: list[tuple[str, Router]], options: dict[str, Any]) -> None:
        self._version = version
        self._routers = routers
        self._options = options
        self._document: bytes | None = None
        self._making = threading.Lock()

    def document(self) -> bytes:
        """Return the document as JSON; the first call takes about a second, so it belongs in a thread."""
        with self._making:
            if self._document is None:
                self._document = msgspec.json.encode(_finish(self._describe()))
            return self._document

    def _describe(self) -> dict[str, Any]:
        try:
            return self._of([router for _, router in self._routers])
        except Exception:
            _log.warning("the API could not be described in one piece; trying each plugin", exc_info=True)
        good = [(plugin, router) for plugin, router in self._routers if self._describable(router)]
        omitted = sorted({plugin for plugin, router in self._routers if (plugin, router) not in good})
        document = self._of([router for _, router in good])
        return {**document, "x-symbi-omitted": omitted}

    def _describable(self, router: Router) -> bool:
        try:
            self._of([router])
        except Exception:
            return False
        return True

    def _of(self, routers: list[Router]) -> dict[str, Any]:
        described = PlainLitestar(
            route_handlers=list(routers), openapi_config=openapi_config(self._version), **self._options
        )
        document: dict[str, Any] = described.openapi_schema.to_schema()
        for route in described.routes:
            for handler, _ in getattr(route, "route_handler_map", {}).values():
                operations = document.get("paths", {}).get(route.path_format, {})
                for method in handler.http_methods:
                    _annotate(operations.get(method.lower()), handler.opt)
        return document


@get("/openapi.json", opt={"auth": "loopback"}, include_in_schema=False, sync_to_thread=True)
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the OpenAPI document."""
    description: Description = request.app.state.description
    return Response(description.document(), media_type="application/json")


@get("/docs", opt={"auth": "open"}, include_in_schema=False, sync_to_thread=False)
def docs_page() -> Response[bytes]:
    """Return the page that shows the document."""
    return _static("docs.html")


@get("/docs/{name:str}", opt={"auth": "open"}, include_in_schema=False, sync_to_thread=False)
def docs_part(name: str) -> Response[bytes]:
    """Return the page's style or script."""
    return _static(name)


DOCS_HANDLERS = [openapi_json, docs_page, docs_part]


def _static(name: str) -> Response[bytes]:
    if name not in _MEDIA:
        raise NotFound("There is nothing at this path.")
    return Response((files("symbi.http") / "static" / name).read_bytes(), media_type=_MEDIA[name])


def _annotate(operation: dict[str, Any] | None, opt: dict[str, Any]) -> None:
    """Say of an operation what its `opt` means to a client."""
    if operation is None:
        return
    rule = opt.get("auth", "token")
    if rule != "token":
        operation["security"] = [] if rule == "open" else [{"bearer": []}, {}]
    if opt.get("error_shape") == "nested":
        operation["x-symbi-errors"] = "nested"
    if opt.get("idempotent"):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


def _finish(document: dict[str, Any]) -> dict[str, Any]:
    """Add the error body to every operation: the runtime's flat one, or the nested one of the tool review API."""
    document.setdefault("components", {}).setdefault("schemas", {}).update(Error=_ERROR, NestedError=_NESTED_ERROR)
    for item in document.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                answers = operation["responses"]
                shape = "NestedError" if operation.pop("x-symbi-errors", None) == "nested" else "Error"
                content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}
                answers.update({status: {"description": text, "content": content} for status, text in _ERRORS.items()})
    return document
