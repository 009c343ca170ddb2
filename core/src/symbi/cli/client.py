"""How commands reach the runtime: the server that runs on this data directory, or a runtime opened in this process for the one command."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import click
import httpx
import msgspec

from symbi.cli.output import error_exit
from symbi.cli.state import CliState, state_of

if TYPE_CHECKING:
    from symbi.kernel.settings import Settings

__all__ = ["ApiClient", "api", "running_server"]

BASE = "/api/v1"
TIMEOUT_SECONDS = 60.0


class Channel(Protocol):
    """Sends one request and returns its answer; streams one that never ends."""

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request and return the whole answer."""

    def stream(self, method: str, url: str, **options: Any) -> Any:
        """Return a context manager of the answer, whose body is read line by line."""


class ApiClient:
    """The API as a command uses it: paths below `/api/v1`, decoded JSON back; an error is printed and ends the command.

    Exit codes: 2 for a request that was wrong (400, 413, 415, 422), 1 for everything else.
    """

    def __init__(self, channel: Channel, *, where: str) -> None:
        self._channel = channel
        self.where = where

    def get(self, path: str, *, params: dict[str, Any] | None = None) -> Any:
        """Return what is at the path."""
        return self.request("GET", path, params=params)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Post a body (structs included; none is sent for None) and return the answer."""
        return self.request("POST", path, body, params=params, headers=headers)

    def put(self, path: str, body: Any = None) -> Any:
        """Put a body and return the answer."""
        return self.request("PUT", path, body)

    def delete(self, path: str) -> Any:
        """Delete what is at the path and return the answer."""
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send one request and return the decoded JSON of its answer, None where it has no body."""
        options: dict[str, Any] = {
            "params": {k: v for k, v in (params or {}).items() if v is not None},
            "headers": dict(headers or {}),
        }
        if body is not None:
            options["content"] = msgspec.json.encode(body)
            options["headers"]["Content-Type"] = "application/json"
        try:
            answer = self._channel.request(method, _url(path), **options)
        except httpx.HTTPError as error:
            error_exit(f"{self.where} did not answer: {type(error).__name__}: {error}", hint="symbi doctor", code=1)
            raise
        if answer.status_code >= 400:
            _fail(answer, self.where)
        return msgspec.json.decode(answer.content) if answer.content else None

    def events(self, path: str, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield `{id, event, data}` of a stream of server-sent events, from the one after `after`, until it ends."""
        headers = {"Last-Event-ID": str(after), "Accept": "text/event-stream"}
        with self._channel.stream("GET", _url(path), headers=headers, timeout=None) as answer:
            if answer.status_code >= 400:
                answer.read()
                _fail(answer, self.where)
            yield from _parse_events(answer.iter_lines())


@contextmanager
def api(ctx: click.Context) -> Iterator[ApiClient]:
    """Give a client of the running server, or of a runtime that lives for this command (as the local operator, who owns the data)."""
    state = state_of(ctx)
    url = running_server(state.settings.data_dir)
    if url is None:
        with _in_process(state) as channel:
            yield ApiClient(channel, where="the runtime in this process")
        return
    with httpx.Client(
        base_url=url, headers=_credential(state.settings), timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        yield ApiClient(cast("Channel", client), where=f"the server at {url}")


def running_server(data_dir: Path) -> str | None:
    """Return the URL of the server that runs on the data directory, or None; what a killed one left behind is not believed."""
    try:
        found = json.loads((data_dir / "server.json").read_bytes())
        url, pid = str(found["url"]), int(found["pid"])
        os.kill(pid, 0)
        httpx.get(f"{url}{BASE}/health/live", timeout=5.0, trust_env=False)
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        return None
    return url


def _credential(settings: Settings) -> dict[str, str]:
    from symbi.http.settings import AuthSettings
    from symbi.http.tokens import reveal

    token = reveal(settings.section("auth", AuthSettings), settings.environ)
    return {"Authorization": f"Bearer {token.reveal()}"} if token else {}


def _url(path: str) -> str:
    return path if path.startswith((f"{BASE}/", "/metrics", "/openapi")) else BASE + path


def _fail(answer: httpx.Response, where: str) -> None:
    try:
        body = msgspec.json.decode(answer.content)
        error = body["error"]
        nested = error if isinstance(error, dict) else {"message": error, "code": body.get("code", "")}
        message, code = str(nested["message"]), str(nested.get("code", ""))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        message, code = f"{where} answered {answer.status_code}", ""
    hint = (
        "set API_AUTH_TOKEN to the server's token, or to a key of symbi keys create"
        if answer.status_code == 401
        else None
    )
    error_exit(
        f"{message} [{code or answer.status_code}]",
        hint=hint,
        code=2 if answer.status_code in (400, 413, 415, 422) else 1,
    )


def _parse_events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if not line:
            if "data" in event:
                yield {"id": event.get("id"), "event": event.get("event"), "data": msgspec.json.decode(event["data"])}
            event = {}
        elif name in ("id", "event", "data"):
            event[name] = value.removeprefix(" ")


@contextmanager
def _in_process(state: CliState) -> Iterator[Channel]:
    """Open the kernel in an event loop of its own thread, so that commands stay ordinary functions."""
    ready: Future[tuple[asyncio.AbstractEventLoop, httpx.AsyncClient, asyncio.Event]] = Future()

    async def hold() -> None:
        done = asyncio.Event()
        async with _client_of(state) as client:
            ready.set_result((asyncio.get_running_loop(), client, done))
            await done.wait()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, name="symbi-runtime", daemon=True)
    thread.start()
    loop, client, done = ready.result()
    try:
        yield _Bridged(loop, client)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


@asynccontextmanager
async def _client_of(state: CliState) -> AsyncIterator[httpx.AsyncClient]:
    from symbi.contracts.principal import LOCAL_ADMIN
    from symbi.http.app import create_app
    from symbi.http.entry import act_as
    from symbi.kernel.kernel import Kernel

    state.settings.environ.setdefault("SYMBI_ROLE", "command")  # a list of schedules must not fire them
    async with Kernel(state.settings, manager=state.manager) as kernel:
        app: Any = act_as(create_app(kernel, host="127.0.0.1"), LOCAL_ADMIN)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=None) as client:  # noqa: S113  # nobody but this process is waited for
            yield client


class _Bridged:
    """An async client of another thread's loop, used from this one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> None:
        self._loop = loop
        self._client = client

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request and return the whole answer."""
        return asyncio.run_coroutine_threadsafe(self._client.request(method, url, **options), self._loop).result()

    @contextmanager
    def stream(self, method: str, url: str, **options: Any) -> Iterator[httpx.Response]:
        """Give the answer once it is complete: in one process there is nobody else to stream to."""
        yield self.request(method, url, **options)
