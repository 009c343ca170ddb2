"""HTTP: the application, who may enter, and the helpers that plugins' handlers use.

Names load on first use, so that importing this package (as every plugin's `routes` module may) costs nothing by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbi.http.access import principal_of, require_admin, require_agent, require_scope, set_principal
    from symbi.http.app import create_app
    from symbi.http.authority import authenticate
    from symbi.http.paging import Page, read_count, read_limit, read_page
    from symbi.http.server import serve
    from symbi.http.sse import ServerEvent, event_stream, last_event_id
    from symbi.http.tracing import current_request_id, current_traceparent

__all__ = [
    "Page",
    "ServerEvent",
    "authenticate",
    "create_app",
    "current_request_id",
    "current_traceparent",
    "event_stream",
    "last_event_id",
    "principal_of",
    "read_count",
    "read_limit",
    "read_page",
    "require_admin",
    "require_agent",
    "require_scope",
    "serve",
    "set_principal",
]

_HOMES = {
    "Page": "paging",
    "ServerEvent": "sse",
    "authenticate": "authority",
    "create_app": "app",
    "current_request_id": "tracing",
    "current_traceparent": "tracing",
    "event_stream": "sse",
    "last_event_id": "sse",
    "principal_of": "access",
    "read_count": "paging",
    "read_limit": "paging",
    "read_page": "paging",
    "require_admin": "access",
    "require_agent": "access",
    "require_scope": "access",
    "serve": "server",
    "set_principal": "access",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"symbi.http.{home}"), name)
