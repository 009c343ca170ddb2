"""The outermost layer: what every request passes before routing and every answer on its way out.

Host name → client → rate limit → browser rules → the application; security headers, request id and trace context on everything that goes
out, errors of this layer included. It is one layer because each one costs every request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from symbi.contracts.errors import RateLimited
from symbi.contracts.telemetry import RequestServed
from symbi.http.asgi import App, Receive, Scope, Send
from symbi.http.buckets import Buckets
from symbi.http.clients import Clients, group_of
from symbi.http.cors import Cors
from symbi.http.errors import CODES, Problem, describe, send_problem
from symbi.http.hosts import HostGuard
from symbi.http.sending import NO_BODY, Outgoing
from symbi.http.settings import ServerSettings
from symbi.http.tracing import Trace, begin_trace
from symbi.kernel.events import EventBus

__all__ = ["Edge"]

_access = logging.getLogger("symbi.http.access")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
UNLIMITED = frozenset({"/api/v1/health/live"})


class Edge:
    """Wraps the application; one per application."""

    def __init__(
        self,
        app: App,
        settings: ServerSettings,
        *,
        loopback: bool,
        monotonic: Callable[[], float],
        events: EventBus | None = None,
        samples: Callable[[str], bool] | None = None,
    ) -> None:
        self._app = app
        self._samples = samples
        self._events = events
        self._hosts = HostGuard(bound_to_loopback=loopback, allowed=settings.allowed_hosts)
        self._clients = Clients(settings.trusted_proxies)
        self._proxied = bool(settings.trusted_proxies)
        self._cors = Cors(settings.cors_origins)
        self._monotonic = monotonic
        rate = settings.rate_limit_per_minute
        rate = (0 if loopback else 600) if rate is None else rate
        self._limiter = Buckets(burst=rate, per_second=rate / 60, monotonic=monotonic) if rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        trace = begin_trace(headers.get(b"x-request-id"), headers.get(b"traceparent"), samples=self._samples)
        origin = headers.get(b"origin")
        scope["symbi.headers"] = headers
        if scope["type"] != "http":
            await self._websocket(scope, receive, send, headers, origin)
            return
        out = Outgoing(
            send, trace, extra=self._cors.answer_headers(origin) if origin is not None else (), method=scope["method"]
        )
        method, path = scope["method"], scope["path"]
        told = self._events is not None and self._events.wanted(RequestServed)
        began = self._monotonic() if told or _access.isEnabledFor(logging.INFO) else 0.0
        try:
            problem = self._refusal(scope, headers)
            if problem is not None:
                await send_problem(out, problem)
            elif scope["method"] == "OPTIONS" and origin is not None and b"access-control-request-method" in headers:
                await self._preflight(origin, out)
            else:
                if scope["method"] == "HEAD":
                    scope["method"] = "GET"
                    receive = out.until_answered(receive)
                await self._app(scope, receive, out)
        except Exception as error:
            problem = describe(error)
            if out.status:
                return
            await send_problem(out, problem)
        finally:
            if began:
                seconds = self._monotonic() - began
                _access.info(
                    "%s %s %d %.1f ms %s", method, _printable(path), out.status, seconds * 1000, trace.request_id
                )
                if told:
                    self._tell(scope, method, out.status, seconds, trace, headers.get(b"traceparent"))

    def _tell(self, scope: Scope, method: str, status: int, seconds: float, trace: Trace, parent: bytes | None) -> None:
        assert self._events is not None
        event = RequestServed(
            method=method if method in _METHODS else "_OTHER",
            route=scope.get("path_template") or "",
            status=status,
            started_ns=time.time_ns() - int(seconds * 1e9),
            seconds=seconds,
            trace_id=trace.trace_id,
            span_id=trace.span_id,
            sampled=trace.flags.endswith(("1", "3")),
            parent=parent.decode("ascii", "replace") if parent else "",
            scheme="https" if scope.get("scheme") == "https" else "http",
        )
        self._events.publish(event)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Problem | None:
        if not self._hosts.admits(headers.get(b"host")):
            return _problem(421)
        peer = scope.get("client")
        client = peer[0] if peer else None
        if self._proxied:
            client = self._clients.address(client, headers.get(b"x-forwarded-for"))
        scope["symbi.client"] = client or ""
        if self._limiter is None or scope["path"] in UNLIMITED or scope.get("method") == "OPTIONS":
            return None
        if client is None:
            return Problem(status=400, code="CLIENT_UNKNOWN", message="The address of the client is not known.")
        wait = self._limiter.take(group_of(client))
        return describe(RateLimited("Too many requests.", retry_after=wait)) if wait else None

    async def _preflight(self, origin: bytes, out: Send) -> None:
        if not self._cors.allows(origin):
            await send_problem(
                out, Problem(status=403, code="ORIGIN_NOT_ALLOWED", message="Pages of this origin may not use the API.")
            )
            return
        await out({"type": "http.response.start", "status": 204, "headers": self._cors.preflight_headers()})
        await out(NO_BODY)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes], origin: bytes | None
    ) -> None:
        if self._refusal(scope, headers) is not None or self._cors.is_foreign(origin, headers.get(b"host")):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
            return
        await self._app(scope, receive, send)


def _problem(status: int) -> Problem:
    code, message = CODES[status]
    return Problem(status=status, code=code, message=message)


def _printable(path: str) -> str:
    """Return a path as one line of a log may hold it; the query is never logged, since tokens travel in it (F-08)."""
    return path if path.isprintable() and len(path) <= 300 else ascii(path)[:300]
