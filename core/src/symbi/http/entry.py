"""The inner layer, around every handler once it is known: who enters, how large and how slow the body may be, and idempotency."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import Forbidden, PayloadTooLarge
from symbi.contracts.principal import Principal
from symbi.http.access import ANONYMOUS
from symbi.http.asgi import App, Receive, Scope, Send
from symbi.http.cors import Cors
from symbi.http.errors import SlowBody, UnsupportedMedia
from symbi.http.settings import OpenPaths, ServerSettings, is_loopback

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

    from symbi.http.authority import Authority
    from symbi.http.idempotency import Idempotency

__all__ = ["Doorman", "Entry", "act_as"]

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
GIVEN = "symbi.principal"


class Doorman:
    """Decides who stands behind a request, by the rule of its handler."""

    def __init__(self, authority: Authority, *, open_paths: OpenPaths, loopback: bool, cors: Cors) -> None:
        self._authority = authority
        self._open_paths = open_paths
        self._loopback = loopback
        self._cors = cors

    async def admit(self, scope: Scope, handler: BaseRouteHandler, headers: dict[bytes, bytes]) -> Principal:
        """Return the principal; raises `Unauthorized`, `Forbidden` or `UnsupportedMedia`."""
        given = scope.get(GIVEN)
        if isinstance(given, Principal):
            return given
        rule = handler.opt.get("auth", "token")
        if rule == "open" or scope.get("method") == "OPTIONS":
            return ANONYMOUS
        header = headers.get(b"authorization")
        if rule == "loopback" and header is None and self._may_be_open(scope, headers):
            self._check_anonymous(scope, headers)
            return ANONYMOUS
        return await self._authority.authenticate(header, client=str(scope.get("symbi.client", "")))

    def _may_be_open(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        if self._open_paths != "loopback":
            return self._open_paths == "always"
        peer = scope.get("client")
        near = peer is not None and is_loopback(peer[0])
        return self._loopback and near and not any(name in headers for name in FORWARDED)

    def _check_anonymous(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Keep web pages out: what a page may send without asking first is refused (runtime-api.md §3.1)."""
        if self._cors.is_foreign(headers.get(b"origin"), headers.get(b"host")):
            raise Forbidden("Pages of this origin may not use the API.", code="ORIGIN_NOT_ALLOWED")
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if scope.get("method") != "GET" and media != b"application/json":
            raise UnsupportedMedia("Without a token the body must be JSON (Content-Type: application/json).")


class Entry:
    """Litestar middleware; one per handler."""

    def __init__(self, app: App, doorman: Doorman, settings: ServerSettings, idempotency: Idempotency) -> None:
        self.app = app
        self._doorman = doorman
        self._body_timeout = settings.body_timeout_seconds
        self._idempotency = idempotency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler: BaseRouteHandler = scope["route_handler"]
        headers: dict[bytes, bytes] = scope["symbi.headers"]
        principal = scope["user"] = await self._doorman.admit(scope, handler, headers)
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if b"content-length" in headers or b"transfer-encoding" in headers:
            receive = self._bounded(handler, headers, receive)
        key = headers.get(b"idempotency-key")
        if key is not None and handler.opt.get("idempotent"):
            await self._idempotency.run(key, principal, self.app, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _bounded(self, handler: Any, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        limit = handler.resolve_request_max_body_size()
        announced = headers.get(b"content-length", b"0")
        if limit is not None and announced.isdigit() and int(announced) > limit:
            raise _too_large(limit)
        deadline = asyncio.get_running_loop().time() + self._body_timeout
        taken, whole = 0, False

        async def take() -> Any:
            nonlocal taken, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise SlowBody("The request body took too long to arrive.") from None
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                if limit is not None and taken > limit:
                    raise _too_large(limit)
            return message

        return take


def act_as(app: App, principal: Principal) -> App:
    """Return the application as it is for somebody who is known without a credential: the command line in this process, a test."""

    async def acting(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, GIVEN: principal} if scope["type"] != "lifespan" else scope, receive, send)

    return acting


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {limit} bytes.", details={"limit_bytes": limit})
