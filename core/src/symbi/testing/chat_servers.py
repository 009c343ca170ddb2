"""Servers on loopback that play chat platforms: real sockets, recorded calls, faults on demand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

__all__ = ["Answer", "Call", "ChatServer", "StallingProxy", "closed_port"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the server got; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return msgspec.json.decode(self.body)

    def form(self) -> dict[str, str]:
        """Return the body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server answers; `body` is bytes, text, or anything that becomes JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = {}
    content_type: str = ""

    def encoded(self) -> tuple[bytes, str]:
        """Return the body as bytes and its type."""
        if isinstance(self.body, bytes):
            return self.body, self.content_type or "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), self.content_type or "text/plain; charset=utf-8"
        return msgspec.json.encode(self.body), self.content_type or "application/json"


class ChatServer:
    """A server within the test's event loop; subclasses say in `respond` what they answer and in `talk` what they do with a WebSocket.

    `calls` lists the requests. `fail(path, …)` answers the next requests whose path contains `path` with a fault instead.
    """

    certificate: str | None = None
    """A PEM file with key and certificate for 127.0.0.1: the server then speaks TLS."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.port = 0
        self.connections = 0
        self._faults: list[tuple[str, Answer]] = []
        self._server: Any = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:PORT`, or `https://…` with a certificate."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def fail(self, path: str, *, times: int = 1, **answer: Any) -> None:
        """Answer the next `times` requests to a path with a fault (see `Answer`)."""
        self._faults += [(path, Answer(**answer))] * times

    def calls_to(self, path: str) -> list[Call]:
        """Return the requests whose path ends with `path`."""
        return [call for call in self.calls if call.path.endswith(path)]

    async def respond(self, call: Call) -> Answer:
        """Return the answer to a request."""
        return Answer(status=404, body={"error": "not found"})

    async def talk(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve a WebSocket, `websocket.connect` not yet received."""
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    async def __aenter__(self) -> Any:
        import uvicorn

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(
            self._app, interface="asgi3", log_level="critical", lifespan="off", timeout_graceful_shutdown=1, ws_ping_interval=None,
            ssl_certfile=self.certificate, ssl_keyfile=self.certificate,
        )  # fmt: skip
        self._server = Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        assert self._task is not None
        await asyncio.wait([self._task], timeout=3)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            self.connections += 1
            await self.talk(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        call = Call(
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode())),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=body,
        )
        self.calls.append(call)
        answer = self._fault(call) or await self.respond(call)
        content, kind = answer.encoded()
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _fault(self, call: Call) -> Answer | None:
        for index, (path, answer) in enumerate(self._faults):
            if path in call.path:
                del self._faults[index]
                return answer
        return None


class StallingProxy:
    """Passes bytes on to a port until `stalled`: from then on it holds the connections and is silent, as a network does that lost them."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.stalled = False
        self._target = port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> StallingProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: Any) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        stalled = self.stalled
        await asyncio.gather(
            self._pass(reader, back, stalled), self._pass(there, writer, stalled), return_exceptions=True
        )

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, stalled: bool) -> None:
        while data := await source.read(65_536):
            if self.stalled or stalled:
                await asyncio.sleep(3600)
            sink.write(data)
            await sink.drain()
        sink.close()


def closed_port() -> int:
    """Return a port on loopback at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
