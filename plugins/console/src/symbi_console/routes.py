"""The pages of the console: a few static files; everything they show comes from the API, with the operator's own token."""

from __future__ import annotations

from functools import cache
from importlib import resources

from litestar import Response, get

from symbi.contracts.errors import NotFound

__all__ = ["HANDLERS"]

_TYPES = {"console.js": "text/javascript", "console.css": "text/css", "icon.svg": "image/svg+xml"}


@cache
def _content(name: str) -> bytes:
    return resources.files("symbi_console").joinpath("static", name).read_bytes()


@get("/console", opt={"auth": "open"}, include_in_schema=False, sync_to_thread=False)
def page() -> Response[bytes]:
    """Return the page."""
    return Response(_content("console.html"), media_type="text/html; charset=utf-8")


@get("/console/{name:str}", opt={"auth": "open"}, include_in_schema=False, sync_to_thread=False)
def asset(name: str) -> Response[bytes]:
    """Return the script, the style sheet or the icon."""
    if name not in _TYPES:
        raise NotFound(f"the console has no file {name!r}")
    return Response(_content(name), media_type=f"{_TYPES[name]}; charset=utf-8")


HANDLERS = [page, asset]
