"""The last hand on an answer: security headers on all of them, ids, and no body for HEAD."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from symbi.http.asgi import Receive, Send
from symbi.http.tracing import Trace

__all__ = ["NO_BODY", "SECURITY_HEADERS", "Outgoing", "allowed_methods"]

NO_BODY: Final[dict[str, Any]] = {"type": "http.response.body", "body": b"", "more_body": False}

SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains; preload"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""On every answer (runtime-api.md §3.4); a handler that sets one of them itself keeps its own."""

_OWN_NAMES = frozenset(name for name, _ in SECURITY_HEADERS)


class Outgoing:
    """The `send` of one request; `status` is what was answered, 0 before."""

    __slots__ = ("_answered", "_extra", "_method", "_send", "_trace", "status")

    def __init__(self, send: Send, trace: Trace, *, extra: Sequence[tuple[bytes, bytes]], method: str) -> None:
        self._send = send
        self._trace = trace
        self._extra = extra
        self._method = method
        self._answered = asyncio.Event() if method == "HEAD" else None
        self.status = 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            await self._start(message)
        elif self._answered is None:
            await self._send(message)

    async def _start(self, message: Any) -> None:
        headers = list(message.get("headers", ()))
        if self._method == "OPTIONS":
            headers = [(name, allowed_methods(value) if name == b"allow" else value) for name, value in headers]
        own = _OWN_NAMES.intersection([name for name, _ in headers])
        headers.extend(SECURITY_HEADERS if not own else [pair for pair in SECURITY_HEADERS if pair[0] not in own])
        headers.append((b"x-request-id", self._trace.request_id.encode()))
        headers.append((b"traceparent", self._trace.traceparent.encode()))
        headers.extend(self._extra)
        await self._send({**message, "headers": headers})
        if self._answered is not None:
            await self._send(NO_BODY)
            self._answered.set()

    def until_answered(self, receive: Receive) -> Receive:
        """Return a `receive` that reports a disconnect once the head is out, so that a streamed body is not made for nobody."""

        async def take() -> Any:
            assert self._answered is not None
            if self._answered.is_set():
                return {"type": "http.disconnect"}
            coming = asyncio.ensure_future(receive())
            answered = asyncio.ensure_future(self._answered.wait())
            await asyncio.wait({coming, answered}, return_when=asyncio.FIRST_COMPLETED)
            answered.cancel()
            if coming.done():
                return coming.result()
            coming.cancel()
            return {"type": "http.disconnect"}

        return take


def allowed_methods(allow: bytes) -> bytes:
    """Return an `Allow` header's value with the OPTIONS that is always there and the HEAD that every GET brings."""
    methods = {method.strip() for method in allow.split(b",") if method.strip()} | {b"OPTIONS"}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))
