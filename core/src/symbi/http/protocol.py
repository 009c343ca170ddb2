"""Uvicorn's HTTP protocol with bounds on what comes before the application: how long and how large the head of a request may be."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from symbi.http.errors import Problem
from symbi.http.sending import SECURITY_HEADERS

__all__ = ["HEAD_SECONDS", "MOST_HEAD_BYTES", "GuardedProtocol"]

HEAD_SECONDS = 15.0
MOST_HEAD_BYTES = 64 * 1024
_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class GuardedProtocol(HttpToolsProtocol):
    """Closes connections whose head does not arrive in `HEAD_SECONDS` or outgrows `MOST_HEAD_BYTES`; its refusals have the JSON body too."""

    _waiting: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Start to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; only a head that is still not whole then is counted and waited for."""
        super().data_received(data)
        if not self._in_head:
            self._stop_waiting()
            return
        self._await_head()
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431, "HEAD_TOO_LARGE", f"The head of the request is larger than {MOST_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """Expect a head."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Go on with the request."""
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request."""
        self._refuse(400, "INVALID_REQUEST", "This is no valid HTTP request.")

    def _await_head(self) -> None:
        if self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        if self._head_bytes:
            self._refuse(408, "HEAD_TIMEOUT", "The head of the request took too long to arrive.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._stop_waiting()
        if self.transport.is_closing():
            return
        body = Problem(status=status, code=code, message=message).body()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = [
            b"HTTP/1.1 %d %s" % (status, _REASONS[status]),
            *(b"%s: %s" % pair for pair in (*headers, *SECURITY_HEADERS)),
        ]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()
