"""Fixtures of the HTTP tests: an application over a real kernel, with the handlers that a test gives as a plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from symbi import hookimpl
from symbi.contracts.offers import RouteGroup
from symbi.http.app import create_app
from symbi.testing.kernels import open_kernel

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

MakeClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class RoutesPlugin:
    """A plugin that offers the handlers it was made with."""

    def __init__(self, name: str, handlers: Any, *, prefix: str = "/api/v1") -> None:
        self.__name__ = name
        self._group = RouteGroup(name=name, load=handlers, prefix=prefix)

    @hookimpl
    def routes(self) -> list[RouteGroup]:
        return [self._group]


@pytest.fixture
def make_client(tmp_path: Path) -> MakeClient:
    """Give `make_client(handlers, server=…, auth=…, token=…, plugins=…)`, a context manager of a client of the application."""

    @asynccontextmanager
    async def make(
        handlers: Sequence[Any] = (),
        *,
        server: Mapping[str, Any] | None = None,
        auth: Mapping[str, Any] | None = None,
        token: str | None = TOKEN,
        plugins: Sequence[Any] = (),
        peer: str = "127.0.0.1",
        base_url: str = "http://127.0.0.1:8080",
        clock: Any = None,
    ) -> AsyncIterator[httpx.AsyncClient]:
        offered = [RoutesPlugin("demo", list(handlers))] if handlers else []
        environ = {"API_AUTH_TOKEN": token} if token is not None else {}
        tables = {"server": dict(server or {}), "auth": dict(auth or {})}
        async with open_kernel(tmp_path, [*offered, *plugins], tables=tables, environ=environ, clock=clock) as kernel:
            app = create_app(kernel)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50000))  # type: ignore[arg-type]  # Litestar's scope types are narrower
            async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
                client.kernel = kernel  # type: ignore[attr-defined]  # for tests that look behind the wire
                client.app = app  # type: ignore[attr-defined]
                yield client

    return make
