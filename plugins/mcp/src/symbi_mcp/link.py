"""The connection to one server: opened at its first use, shared by all calls, replaced when it fails or hangs (RSN-70)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import SymbiError, Unavailable
from symbi_mcp.config import ServerConfig
from symbi_mcp.pins import Definition
from symbi_mcp.transport import transport_of

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Link"]


class Link:
    """One server's session; a task of its own holds it, since it must be closed where it was opened."""

    def __init__(
        self,
        name: str,
        config: ServerConfig,
        context: PluginContext,
        *,
        retry_seconds: float,
        changed: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        self.name = name
        self.config = config
        self.fault = ""
        self._context = context
        self._retry_seconds = retry_seconds
        self._changed = changed
        self._client: Any = None
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._lock = asyncio.Lock()
        self._failed_at: float | None = None

    async def client(self) -> Any:
        """Return the open client, connecting where it is not; raises `Unavailable` for a server that failed lately."""
        async with self._lock:
            if self._client is not None and self._task is not None and not self._task.done():
                return self._client
            now = self._context.clock.monotonic()
            if self._failed_at is not None and now - self._failed_at < self._retry_seconds:
                raise Unavailable(f"the MCP server {self.name!r} is not available: {self.fault}")
            await self._connect()
            return self._client

    async def _connect(self) -> None:
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._hold(ready, self._stop), name=f"mcp {self.name}")
        try:
            async with asyncio.timeout(self.config.startup_seconds):
                self._client = await asyncio.shield(ready)
        except TimeoutError:
            await self.close()
            raise self._failed(f"it did not start within {self.config.startup_seconds:g} s") from None
        except SymbiError as error:
            raise self._failed(error.message) from error
        self.fault, self._failed_at = "", None

    async def _hold(self, ready: asyncio.Future[Any], stop: asyncio.Event) -> None:
        """Open the session, say so, and close it when told."""
        from mcp import Client

        try:
            async with contextlib.AsyncExitStack() as stack:
                transport = await transport_of(self.name, self.config, self._folder(), stack)
                client = await stack.enter_async_context(
                    Client(transport, read_timeout_seconds=self.config.timeout_seconds, message_handler=self._heard)
                )
                ready.set_result(client)
                await stop.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            text = _words(error)
            self._context.logger.warning("the MCP server %s failed: %s", self.name, text)
            self._client = None
            if not ready.done():
                ready.set_exception(error if isinstance(error, SymbiError) else Unavailable(text))

    def _folder(self) -> Path:
        folder = Path(self.config.directory) if self.config.directory else self._context.data_dir / "mcp" / self.name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def _failed(self, why: str) -> Unavailable:
        self.fault, self._failed_at = why, self._context.clock.monotonic()
        return Unavailable(f"the MCP server {self.name!r} is not available: {why}")

    async def _heard(self, message: Any) -> None:
        if type(message).__name__ == "ToolListChangedNotification":
            # Asked for in a task of its own: the session cannot answer while it delivers a message.
            self._context.tasks.start(f"mcp {self.name} changed", self._changed(self.name))

    async def definitions(self, most: int) -> list[Definition]:
        """Return what the server says of its tools, at most `most` of them; raises `Unavailable`."""
        client = await self.client()
        found: list[Definition] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(self.config.startup_seconds):
                while len(found) < most:
                    page = await client.list_tools(cursor=cursor, cache_mode="bypass")
                    found += [_definition(tool) for tool in page.tools]
                    cursor = page.next_cursor
                    if cursor is None:
                        break
        except TimeoutError:
            await self.close()
            raise self._failed("it did not list its tools in time") from None
        except Exception as error:
            raise self._failed(_words(error)) from None
        return found[:most]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Any:
        """Call a tool and return the SDK's result; a server that does not answer in time is stopped."""
        client = await self.client()
        try:
            async with asyncio.timeout(self.config.timeout_seconds):
                return await client.call_tool(tool, arguments)
        except TimeoutError:
            await self.close()
            text = (
                f"the MCP server {self.name!r} did not answer within {self.config.timeout_seconds:g} s and was stopped"
            )
            raise Unavailable(text, code="TOOL_TIMEOUT") from None
        except SymbiError:
            raise
        except Exception as error:
            if self._task is not None and self._task.done():
                self._client = None
            raise SymbiError(f"the MCP server {self.name!r} failed: {_words(error)}", code="MCP_FAILED") from None

    async def close(self) -> None:
        """End the session and the process behind it."""
        task, self._task, self._client = self._task, None, None
        if task is None:
            return
        self._stop.set()
        done, _ = await asyncio.wait({task}, timeout=5)
        if not done:
            task.cancel()
            await asyncio.wait({task}, timeout=5)


def _definition(tool: Any) -> Definition:
    return Definition(
        name=str(tool.name),
        title=str(tool.title or ""),
        description=str(tool.description or ""),
        schema=dict(tool.input_schema or {"type": "object"}),
    )


def _words(error: BaseException) -> str:
    from symbi.contracts.masking import mask_text

    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return mask_text(f"{type(error).__name__}: {error}")[:300]
