"""The toolset `mcp`: the approved tools of all servers, under names of their own."""

from __future__ import annotations

import asyncio
import fnmatch
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import NotFound, PolicyDenied, SymbiError
from symbi.contracts.tools import ToolProvider, ToolSpec
from symbi_mcp import pins
from symbi_mcp.config import McpConfig
from symbi_mcp.link import Link
from symbi_mcp.pins import Pin
from symbi_mcp.transport import check_server

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["McpTools", "open_mcp", "tool_name"]

MOST_DESCRIPTION = 2000
_BAD = re.compile(r"[^A-Za-z0-9_-]")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f\x00-\x08\x0b-\x1f\x7f]")


def tool_name(server: str, tool: str) -> str:
    """Return the name under which agents and policies know a server's tool: `server__tool`, at most 64 plain characters."""
    return f"{_BAD.sub('_', server)}__{_BAD.sub('_', tool)}"[:64]


class McpTools(ToolProvider):
    """Implements `symbi.contracts.tools.ToolProvider` over the configured servers."""

    def __init__(self, config: McpConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._live: dict[str, dict[str, str]] = {}
        """What each server has now: tool → digest of its definition."""
        self._lock = asyncio.Lock()
        self._said: dict[str, str] = {}
        self.links = {
            name: Link(name, server, context, retry_seconds=config.retry_seconds, changed=self.refresh)
            for name, server in config.servers.items()
        }

    async def tools(self) -> Sequence[ToolSpec]:
        """Return the approved tools of the servers that answer; those of one that does not are left out, which is logged."""
        return [spec for spec, _ in await self._approved()]

    async def _approved(self) -> list[tuple[ToolSpec, Pin]]:
        missing = [name for name in self.links if name not in self._live]
        if missing:
            async with self._lock:
                await asyncio.gather(*(self._first(name) for name in missing if name not in self._live))
        found: list[Pin] = await self._context.store.read(pins.pins_of)
        return [(self._spec(pin), pin) for pin in found if self._offered(pin)]

    def _offered(self, pin: Pin) -> bool:
        """Tell whether what the server has now is what was approved, and may be offered."""
        live = self._live.get(pin.server, {}).get(pin.tool)
        if live is None or live != pin.approved_digest:
            return False
        allowed = self._config.servers[pin.server].tools
        return not allowed or any(fnmatch.fnmatchcase(pin.tool, pattern) for pattern in allowed)

    async def _first(self, server: str) -> None:
        try:
            await self.refresh(server)
        except SymbiError as error:
            # Said once for each new reason: the tools are asked for at every turn of every agent.
            if self._said.get(server) != self.links[server].fault:
                self._said[server] = self.links[server].fault
                self._context.logger.warning("the tools of the MCP server %s are not known: %s", server, error)

    async def refresh(self, server: str) -> None:
        """Ask a server for its tools and compare them with what was approved; raises `Unavailable`."""
        found = await self.links[server].definitions(self._config.max_tools)
        # What it has now counts at once, so that a change blocks before it is even written down.
        self._live[server] = {each.name: pins.digest_of(each) for each in found}
        trust, now = self._config.trust_first_use, self._context.clock.now_ms()
        for pin in await self._context.store.write(pins.see, server, found, trust_first=trust, now=now):
            if not pin.good:
                hint = f"symbi mcp approve {server} {pin.tool}"
                self._context.logger.warning(
                    "the tool %s of the MCP server %s is %s and blocked: %s", pin.tool, server, pin.state, hint
                )

    def _spec(self, pin: Pin) -> ToolSpec:
        config = self._config.servers[pin.server]
        schema = dict(pin.definition.get("schema") or {})
        schema.setdefault("type", "object")
        words = _INVISIBLE.sub("", str(pin.definition.get("description") or pin.definition.get("title") or pin.tool))
        return ToolSpec(
            name=tool_name(pin.server, pin.tool),
            description=words[:MOST_DESCRIPTION] or pin.tool,
            parameters=schema,
            risk=config.risk,
            idempotent=any(fnmatch.fnmatchcase(pin.tool, pattern) for pattern in config.idempotent),
            timeout_seconds=config.timeout_seconds + 2,
            server=f"mcp:{pin.server}",
            network=True,
        )

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        """Call an approved tool; one whose definition has changed since is refused, also where the change came a moment ago."""
        for spec, pin in await self._approved():
            if spec.name == name:
                return self._result(name, await self.links[pin.server].call(pin.tool, arguments))
        for pin in await self._context.store.read(pins.pins_of):
            if tool_name(pin.server, pin.tool) == name and not pin.good:
                hint = f"symbi mcp approve {pin.server} {pin.tool}"
                raise PolicyDenied(f"the definition of {name!r} is {pin.state} and not approved", hint=hint)
        raise NotFound(f"no tool {name!r} here", code="TOOL_NOT_FOUND")

    def _result(self, name: str, result: Any) -> Any:
        answer = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        texts = [part.get("text", "") for part in answer.get("content", ()) if part.get("type") == "text"]
        if answer.get("isError"):
            raise SymbiError(
                f"{name}: {' '.join(texts)[:2000] or 'the server says that it failed'}", code="TOOL_FAILED"
            )
        structured = answer.get("structuredContent")
        others = [part for part in answer.get("content", ()) if part.get("type") != "text"]
        value: Any = structured if structured is not None else "\n".join(texts)
        if others:
            value = {"value": value, "content": others}
        if len(msgspec.json.encode(value)) > self._config.max_result_bytes:
            raise SymbiError(
                f"{name}: the result has more than {self._config.max_result_bytes} bytes", code="TOOL_RESULT_TOO_LARGE"
            )
        return value

    async def close(self) -> None:
        """End every session."""
        await asyncio.gather(*(link.close() for link in self.links.values()))


@asynccontextmanager
async def open_mcp(config: McpConfig, context: PluginContext) -> AsyncIterator[McpTools]:
    """Open the toolset; servers are started when their tools are first asked for."""
    for name, server in config.servers.items():
        check_server(name, server)
    opened = McpTools(config, context)
    try:
        yield opened
    finally:
        await opened.close()
