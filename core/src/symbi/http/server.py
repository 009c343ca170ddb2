"""The server: uvicorn on a socket of our own, inside the event loop that holds the kernel.

Granian answered 1.6 times as many requests of a bare route here (benchmarks/http.py), by giving a second core to its Rust side; uvicorn was taken
because it lives in the kernel's own loop, takes a socket that is bound before anything is opened, and waits for the requests in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import uvicorn

from symbi.contracts.errors import ConfigError
from symbi.http.protocol import GuardedProtocol

if TYPE_CHECKING:
    from symbi.http.app import SymbiApp

__all__ = ["ServerFile", "bind", "run_loop", "serve", "server_file", "url_of"]

T = TypeVar("T")
MOST_FRAME_BYTES = 1024 * 1024
_REASONS = {
    errno.EADDRINUSE: ("is already in use", "stop what listens there, or choose another with --port or [server] port"),
    errno.EACCES: ("may not be used by this user", "choose a port above 1023"),
    errno.EADDRNOTAVAIL: ("is no address of this machine", "correct --host or [server] host"),
}


class ServerFile(msgspec.Struct, frozen=True, kw_only=True):
    """`<data-dir>/server.json` while a server runs: where it listens and its process."""

    url: str
    pid: int


def server_file(data_dir: Path) -> Path:
    """Return the path of the file that says where the server of a data directory listens."""
    return data_dir / "server.json"


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound but does not listen yet; raises `ConfigError` in one sentence where that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(
            f"the address {host!r} cannot be resolved: {error}",
            path="server.host",
            hint="correct --host or [server] host",
        ) from None
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(2048)
    except OSError as error:
        found.close()
        fault, remedy = _REASONS.get(
            error.errno or 0, (f"cannot be used: {error.strerror}", "choose another with --host and --port")
        )
        raise ConfigError(f"{host}:{port} {fault}", path="server.port", hint=remedy) from None
    found.setblocking(False)
    return found


def url_of(bound: socket.socket) -> str:
    """Return the base URL of a bound socket; a bind to every address is reached over loopback."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: SymbiApp,
    bound: socket.socket,
    *,
    data_dir: Path,
    grace_seconds: float | None = None,
    on_ready: Callable[[str], Any] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop accepting, let what runs finish for `grace_seconds` (default: the setting), and return.

    A second signal ends the wait. `on_ready(url)` is called once connections are taken. While it runs, `server.json` in the data directory (0600)
    says where.
    """
    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        loop="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        ws_max_size=MOST_FRAME_BYTES,
        timeout_graceful_shutdown=max(
            1, round(app.state.server.grace_seconds if grace_seconds is None else grace_seconds)
        ),
    )
    server = _Server(config)
    url = url_of(bound)
    with _stopping(app, server), _announced(server_file(data_dir), url):
        running = asyncio.ensure_future(server.serve(sockets=[bound]))
        await asyncio.wait(
            {running, starting := asyncio.ensure_future(server.ready.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        starting.cancel()
        if on_ready is not None and server.started:
            on_ready(url)
        await running


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop where that is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


class _Server(uvicorn.Server):
    """Uvicorn without signal handling of its own: the same signals also have to close the kernel."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell that connections are taken."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.contextmanager
def _stopping(app: SymbiApp, server: _Server) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True
        app.state.stopping.set()

    installed = []
    for each in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(
            ValueError, RuntimeError, NotImplementedError
        ):  # not the main thread: its owner stops us
            loop.add_signal_handler(each, stop)
            installed.append(each)
    try:
        yield
    finally:
        app.state.stopping.set()
        for each in installed:
            loop.remove_signal_handler(each)


@contextlib.contextmanager
def _announced(path: Path, url: str) -> Iterator[None]:
    mine = ServerFile(url=url, pid=os.getpid())
    temporary = path.with_suffix(f".{mine.pid}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(mine))
    temporary.replace(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            if msgspec.json.decode(path.read_bytes(), type=ServerFile) == mine:
                path.unlink()
