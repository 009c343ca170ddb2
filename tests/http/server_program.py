"""A server to be started, stopped and killed by tests: `python server_program.py DATA_DIR PORT GRACE`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from litestar import Request, WebSocket, get, post, websocket
from litestar.response import Stream

from symbi import hookimpl
from symbi.contracts.offers import RouteGroup
from symbi.http import ServerEvent, event_stream
from symbi.http.app import create_app
from symbi.http.server import bind, run_loop, serve
from symbi.kernel.kernel import Kernel
from symbi.kernel.settings import Settings
from symbi.testing.kernels import closed_manager


@get("/slow/{seconds:float}", opt={"auth": "open"})
async def slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


@post("/take", opt={"auth": "open"}, status_code=200, request_max_body_size=1000)
async def take(data: Any) -> Any:
    return data


@get("/stream", opt={"auth": "open"})
async def stream(request: Request[Any, Any, Any]) -> Stream:
    async def ticks() -> AsyncIterator[ServerEvent]:
        try:
            for number in range(1, 10_000):
                yield ServerEvent(id=number, data=number)
                await asyncio.sleep(0.02)
        finally:
            print("stream-closed", flush=True)

    return event_stream(request, ticks())


@websocket("/echo", opt={"auth": "open"})
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


@websocket("/private")
async def private(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(socket.scope["user"].id)
    await socket.close()


class Routes:
    @hookimpl
    def routes(self) -> list[RouteGroup]:
        return [RouteGroup(name="slow", load=[slow, take, stream, echo, private])]


async def main(folder: Path, port: int, grace: float) -> None:
    settings = Settings({}, data_dir=folder, environ={"API_AUTH_TOKEN": "a-long-enough-token-0123456789"})
    bound = bind("127.0.0.1", port)
    async with Kernel(settings, manager=closed_manager(Routes())) as kernel:
        await serve(
            create_app(kernel), bound, data_dir=folder, grace_seconds=grace, on_ready=lambda url: print(url, flush=True)
        )
        print("served", flush=True)
    print("closed", flush=True)


if __name__ == "__main__":
    run_loop(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
