"""Who stands behind a request, and guards for handlers.

A handler's `opt={"auth": …}` says who may enter: `token` (the default: a valid credential), `open` (anybody; a credential is not even looked
at), `loopback` (anybody where `[auth] open_paths` allows it, but a credential that is sent must be valid).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from symbi.contracts.errors import Forbidden
from symbi.contracts.principal import Principal

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    Connection = ASGIConnection[Any, Any, Any, Any]

__all__ = ["ANONYMOUS", "AuthRule", "principal_of", "require_admin", "require_agent", "require_scope", "set_principal"]

AuthRule = Literal["token", "open", "loopback"]

ANONYMOUS = Principal(id="anonymous", kind="anonymous", display_name="anonymous")
"""Whoever came in without a credential, where that is allowed."""


def principal_of(connection: Connection) -> Principal:
    """Return who stands behind the request."""
    found = connection.scope.get("user")
    return found if isinstance(found, Principal) else ANONYMOUS


def set_principal(connection: Connection, principal: Principal) -> None:
    """Say who stands behind the request; for guards that check a credential of their own (a JWT, a signature)."""
    connection.scope["user"] = principal


def require_admin(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Guard: let only an administrator's credential through; raises `Forbidden` (`ADMIN_REQUIRED`)."""
    if not principal_of(connection).admin:
        raise Forbidden("This needs an administrator's credential.", code="ADMIN_REQUIRED")


def require_scope(scope: str) -> Callable[[Connection, BaseRouteHandler], None]:
    """Return a guard that lets through administrators and credentials with the scope; raises `Forbidden` (`SCOPE_REQUIRED`)."""

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        principal = principal_of(connection)
        if not principal.admin and scope not in principal.scopes:
            raise Forbidden(f"This needs the scope {scope!r}.", code="SCOPE_REQUIRED", details={"scope": scope})

    return guard


def require_agent(principal: Principal, agent_id: str) -> None:
    """Raise `Forbidden` (`AGENT_SCOPE_DENIED`) unless the credential reaches the agent (A-14)."""
    if not principal.may_use_agent(agent_id):
        raise Forbidden("This credential does not reach that agent.", code="AGENT_SCOPE_DENIED")
