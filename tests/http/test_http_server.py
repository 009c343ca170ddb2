"""The real server in a process of its own: start, stop, refusals, and what arrives over a socket."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
import websockets
from uvicorn.server import ServerState
from websockets import Origin

from symbi.contracts.errors import ConfigError
from symbi.http.protocol import GuardedProtocol
from symbi.http.server import bind, url_of

PROGRAM = Path(__file__).with_name("server_program.py")


class Running:
    """A started server."""

    def __init__(self, folder: Path, *, grace: float = 5) -> None:
        command = [sys.executable, str(PROGRAM), str(folder), "0", str(grace)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])

    async def ended(self) -> tuple[int, list[str]]:
        """Wait for the end; return the exit code and what was said on the way."""
        code = await asyncio.to_thread(self.process.wait, 10)
        assert self.process.stdout is not None
        return code, self.process.stdout.read().split()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a server to tests that leave it running."""
    running = Running(tmp_path_factory.mktemp("shared") / "data")
    yield running
    running.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Give a server to a test that stops it."""
    running = Running(tmp_path / "data")
    yield running
    running.kill()


async def test_it_says_where_it_listens_and_takes_that_back(server: Running, tmp_path: Path) -> None:
    file = tmp_path / "data" / "server.json"
    assert json.loads(file.read_text()) == {"url": server.url, "pid": server.process.pid}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/api/v1/health")
        assert answer.json()["status"] == "healthy"
        assert "server" not in answer.headers
    server.process.send_signal(signal.SIGTERM)
    assert await server.ended() == (0, ["served", "closed"])
    assert not file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_requests_in_flight_are_finished(server: Running, number: signal.Signals) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        slow = asyncio.ensure_future(client.get("/api/v1/slow/0.8"))
        await asyncio.sleep(0.3)
        server.process.send_signal(number)
        await asyncio.sleep(0.1)
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient(base_url=server.url) as other:
                await other.get("/api/v1/health/live")
        assert (await slow).text == "done"
    assert await server.ended() == (0, ["served", "closed"])


async def test_streams_end_at_once_when_the_server_stops(tmp_path: Path) -> None:
    server = Running(tmp_path / "data", grace=20)
    async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(6):
        async with client.stream("GET", "/api/v1/stream") as answer:
            lines = answer.aiter_lines()
            assert [await anext(lines) for _ in range(4)] == [": open", "", "id: 1", "data: 1"]
            server.process.send_signal(signal.SIGTERM)
            assert [line async for line in lines][-1] == ""
        assert await server.ended() == (0, ["stream-closed", "served", "closed"])


async def test_a_stream_is_closed_when_its_client_goes(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client, client.stream("GET", "/api/v1/stream") as answer:
        await anext(answer.aiter_lines())
    assert server.process.stdout is not None
    async with asyncio.timeout(5):
        assert (await asyncio.to_thread(server.process.stdout.readline)).strip() == "stream-closed"


async def test_the_grace_ends(tmp_path: Path) -> None:
    server = Running(tmp_path / "data", grace=1)
    async with httpx.AsyncClient(base_url=server.url) as client:
        slow = asyncio.ensure_future(client.get("/api/v1/slow/30"))
        await asyncio.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(8):
            assert await server.ended() == (0, ["served", "closed"])
        with pytest.raises(httpx.HTTPError):
            (await slow).raise_for_status()


async def test_a_port_in_use_is_refused_in_one_sentence(shared: Running) -> None:
    with pytest.raises(ConfigError) as caught:
        bind("127.0.0.1", shared.port)
    assert caught.value.message == f"127.0.0.1:{shared.port} is already in use"
    assert caught.value.hint is not None
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("host", ["203.0.113.77", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="--host"):
        bind(host, 0)


def test_url_of_a_bind_to_everything_is_loopback() -> None:
    with bind("0.0.0.0", 0) as bound:
        assert url_of(bound) == f"http://127.0.0.1:{bound.getsockname()[1]}"


def exchange(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(data)
        received = b""
        while chunk := peer.recv(65536):
            received += chunk
        return received


HEAD = b"Host: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (
            b"POST /api/v1/take HTTP/1.1\r\n" + HEAD + b"Content-Length: 4000\r\n\r\n" + b"x" * 4000,
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (
            b"POST /api/v1/take HTTP/1.1\r\n"
            + HEAD
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"fa0\r\n"
            + b"1" * 4000
            + b"\r\n0\r\n\r\n",
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (b"GET /api/v1/nothing HTTP/1.1\r\n" + HEAD + b"\r\n", 404, "NOT_FOUND"),
        (b"GET /api/v1/%ff%fe/%00 HTTP/1.1\r\n" + HEAD + b"\r\n", 404, "NOT_FOUND"),
        (b"GET /api/v1/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421, "HOST_NOT_ALLOWED"),
        (b"GET /api/v1/health HTTP/1.0\r\n\r\n", 421, "HOST_NOT_ALLOWED"),
        (b"nonsense\r\n\r\n", 400, "INVALID_REQUEST"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Many: " + b"x" * 70_000, 431, "HEAD_TOO_LARGE"),
        (b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, 431, "HEAD_TOO_LARGE"),
    ],
)
async def test_over_a_socket_every_error_is_the_json_body(
    shared: Running, request_: bytes, status: int, code: str
) -> None:
    answer = await asyncio.to_thread(exchange, shared.port, request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert json.loads(body)["code"] == code
    assert b"x-content-type-options: nosniff" in head.lower()


async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symbi.http.protocol.HEAD_SECONDS", 0.1)
    config = uvicorn.Config(lambda *_: None, http=GuardedProtocol, log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: GuardedProtocol(config, ServerState(), {}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(5):
        assert await asyncio.to_thread(exchange, port, b"") == b""
        assert b"HEAD_TIMEOUT" in await asyncio.to_thread(exchange, port, b"GET / HTTP/1.1\r\nHos")


async def test_a_request_that_is_no_http_does_not_hurt_the_server(shared: Running) -> None:
    await asyncio.to_thread(exchange, shared.port, b"\x16\x03\x01 nonsense\r\n\r\n")
    async with httpx.AsyncClient(base_url=shared.url) as client:
        assert (await client.get("/api/v1/health/live")).status_code == 200


@pytest.mark.parametrize("origin", [None, "same"])
async def test_f08_websockets_of_this_server_and_of_programs_are_taken(shared: Running, origin: str | None) -> None:
    url = shared.url.replace("http", "ws") + "/api/v1/echo"
    async with websockets.connect(url, origin=Origin(shared.url) if origin else None) as peer:
        await peer.send("hello")
        assert await peer.recv() == "hello"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_f08_websockets_of_foreign_pages_are_refused(shared: Running, headers: dict[str, str]) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus):
        await websockets.connect(shared.url.replace("http", "ws") + "/api/v1/echo", additional_headers=headers)


async def test_websockets_need_a_credential_like_everything(shared: Running) -> None:
    url = shared.url.replace("http", "ws") + "/api/v1/private"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(websockets.exceptions.WebSocketException):
            async with websockets.connect(url, additional_headers=headers) as peer:
                await peer.recv()
    good = {"Authorization": "Bearer a-long-enough-token-0123456789"}
    async with websockets.connect(url, additional_headers=good) as peer:
        assert await peer.recv() == "token"


async def test_f08_large_frames_are_refused(shared: Running) -> None:
    async with websockets.connect(shared.url.replace("http", "ws") + "/api/v1/echo", max_size=None) as peer:
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            await peer.send("x" * (1024 * 1024 + 1))
            await peer.recv()
