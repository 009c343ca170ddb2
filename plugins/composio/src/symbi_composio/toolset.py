"""The toolset `composio`: the pinned tools and no others; held, counted, recorded (RSN-72)."""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.approvals import Approvals
from symbi.contracts.audit import AuditLog
from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import ConfigError, NotFound, PolicyDenied, RateLimited, SymbiError
from symbi.contracts.masking import mask
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts, action_hash
from symbi.contracts.tools import ToolProvider, ToolSpec
from symbi_composio.client import ComposioClient, endpoint_of
from symbi_composio.config import ComposioConfig

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["ComposioTools", "digest_of", "open_composio"]


def digest_of(tool: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) of all that a model would read of a tool."""
    read = [tool.get(name) for name in ("name", "title", "description", "inputSchema")]
    return hashlib.sha256(msgspec.json.encode(read, order="sorted")).hexdigest()


class ComposioTools(ToolProvider):
    """Implements `symbi.contracts.tools.ToolProvider` over the pinned tools of one endpoint."""

    def __init__(self, config: ComposioConfig, client: ComposioClient, context: PluginContext) -> None:
        self._config = config
        self._client = client
        self._context = context
        self._specs: dict[str, ToolSpec] | None = None
        self._lock = asyncio.Lock()
        self._tokens = float(config.max_calls_per_minute)
        self._filled_at = context.clock.monotonic()
        self._spent: set[str] = set()

    async def tools(self) -> Sequence[ToolSpec]:
        """Return the pinned tools whose definitions are still the pinned ones."""
        async with self._lock:
            if self._specs is None:
                self._specs = await self._look()
        return list(self._specs.values())

    async def _look(self) -> dict[str, ToolSpec]:
        found: dict[str, ToolSpec] = {}
        async for tool in self._client.catalogue():
            name = tool["name"]
            if name not in self._config.tools:
                continue
            if digest_of(tool) != self._config.tools[name]:
                self._context.logger.warning(
                    "the tool %s of Composio is not the pinned one and stays blocked: %s", name, digest_of(tool)
                )
                found.pop(name, None)
                continue
            found[name] = self._spec(tool)
            if len(found) == len(self._config.tools):
                break
        return found

    def _spec(self, tool: dict[str, Any]) -> ToolSpec:
        schema = tool.get("inputSchema")
        held = any(fnmatch.fnmatchcase(tool["name"], pattern) for pattern in self._config.require_approval)
        return ToolSpec(
            name=tool["name"],
            description=str(tool.get("description") or tool["name"])[:2000],
            parameters={"type": "object", **schema} if isinstance(schema, dict) else {"type": "object"},
            risk="high",
            timeout_seconds=self._config.timeout_seconds + (self._config.approval_seconds if held else 0) + 5,
            server="composio",
            network=True,
        )

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        """Call a pinned tool, after a person has agreed where that is demanded, within the rate."""
        await self.tools()
        if not self._specs or name not in self._specs:
            raise NotFound(f"no tool {name!r} here", code="TOOL_NOT_FOUND")
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._config.require_approval):
            await self._agreed(name, arguments, run)
        self._take()
        await self._record(name, arguments, run, "asked")
        try:
            result = await self._client.request("tools/call", {"name": name, "arguments": arguments})
        except SymbiError as error:
            await self._record(name, {}, run, f"failed: {error.message[:200]}")
            raise
        await self._record(name, {}, run, "failed" if result.get("isError") else "answered")
        return _value(name, result)

    def _take(self) -> None:
        """Take one call out of the bucket; raises `RateLimited`."""
        now, most = self._context.clock.monotonic(), float(self._config.max_calls_per_minute)
        self._tokens = min(most, self._tokens + (now - self._filled_at) * most / 60)
        self._filled_at = now
        if self._tokens < 1:
            wait = (1 - self._tokens) * 60 / most if most else 60.0
            raise RateLimited(f"at most {most:g} calls a minute go to Composio", retry_after=wait)
        self._tokens -= 1

    async def _agreed(self, name: str, arguments: dict[str, Any], run: EffectContext) -> None:
        """Return once a person has approved exactly this call; each approval is good for one."""
        approvals = self._context.services.maybe(Approvals)
        gate = self._context.services.maybe(Gate)
        if approvals is None or gate is None:
            raise PolicyDenied(f"{name} needs an approval, and nobody can give it", hint="pip install symbi-approvals")
        request = PolicyRequest(
            principal=run.principal,
            action="tool_call",
            target=name,
            arguments=arguments,
            resource=ResourceFacts(type="Tool", id=name, attributes={"server": "composio"}),
            surface=run.surface,
            run_id=run.run_id,
            call_id=f"composio:{name}",
        )
        wanted = action_hash(request)
        for known in await approvals.list(status="approved", run_id=run.run_id):
            if known.action_hash == wanted and known.id not in self._spent:
                self._spent.add(known.id)
                return
        reason = f"{name} of Composio waits for a person"
        held = await approvals.hold(request, reason=reason, group="operators", policy_revision=gate.revision)
        try:
            async with asyncio.timeout(self._config.approval_seconds):
                held = await approvals.wait(held.id)
        except TimeoutError:
            raise SymbiError(
                f"{reason} (approval {held.id}); call it again once it is given", code="APPROVAL_PENDING"
            ) from None
        if held.status != "approved" or held.edited:
            raise PolicyDenied(f"{name} was not approved as proposed: {held.resolution_reason or held.status}")
        self._spent.add(held.id)

    async def _record(self, name: str, arguments: dict[str, Any], run: EffectContext, outcome: str) -> None:
        audit = self._context.services.maybe(AuditLog)
        if audit is not None:
            details = {"tool": name, "run_id": run.run_id, "arguments": mask(arguments)}
            await audit.append(
                "composio.call", principal=run.principal, subject=name[:200], outcome=outcome, details=details
            )


def _value(name: str, result: dict[str, Any]) -> Any:
    content = result.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    text = "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
    if result.get("isError"):
        raise SymbiError(f"{name}: {text[:2000] or 'Composio says that it failed'}", code="TOOL_FAILED")
    return result["structuredContent"] if result.get("structuredContent") is not None else text


@asynccontextmanager
async def open_composio(config: ComposioConfig, context: PluginContext) -> AsyncIterator[ComposioTools]:
    """Open the toolset; refused without a list of pinned tools (RSN-73), a key, an https endpoint on a known host."""
    if not config.tools:
        path = "plugins.composio.tools"
        raise ConfigError(
            f"{path}: name the tools that may be reached, each with its digest", path=path, hint="symbi composio tools"
        )
    url, key = endpoint_of(config, context.environ)
    client = ComposioClient(config, url, key)
    try:
        yield ComposioTools(config, client, context)
    finally:
        await client.close()
