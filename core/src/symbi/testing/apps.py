"""The whole HTTP application over a kernel of a test, reached in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from symbi.kernel.clock import Clock
from symbi.kernel.kernel import Kernel
from symbi.testing.kernels import open_kernel

if TYPE_CHECKING:
    import httpx

__all__ = ["TEST_TOKEN", "App", "open_app"]

TEST_TOKEN = "k7Qw-test-kit-credential-9ZrT4m"


class App:
    """An opened application: its kernel, and a client that carries the administrator's token."""

    def __init__(self, kernel: Kernel, client: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
        self.kernel = kernel
        self.client = client
        self.anonymous = anonymous


@asynccontextmanager
async def open_app(
    folder: Path,
    plugins: Iterable[ModuleType | object | str] = (),
    *,
    tables: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[App]:
    """Open a kernel with the given plugins and its application; requests come from loopback, below `/api/v1`."""
    import httpx

    from symbi.http.app import create_app

    environ = {"API_AUTH_TOKEN": TEST_TOKEN, **(environ or {})}
    async with open_kernel(folder, plugins, tables=tables, environ=environ, clock=clock) as kernel:
        app: Any = create_app(kernel)  # httpx types ASGI more narrowly than Litestar does
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
        base: dict[str, Any] = {"transport": transport, "base_url": "http://127.0.0.1:8080/api/v1"}
        async with (
            httpx.AsyncClient(**base, headers={"authorization": f"Bearer {TEST_TOKEN}"}) as client,
            httpx.AsyncClient(**base) as anonymous,
        ):
            yield App(kernel, client, anonymous)
