"""The service that knows every tool of every toolset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import ConfigError, InvalidRequest, NotFound, PolicyDenied, SymbiError, Timeout
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.secrets import handles_as_text
from symbi.contracts.tools import ToolProvider, ToolService, Toolset, ToolSpec
from symbi.kernel.context import PluginContext
from symbi.kernel.points import TOOLS
from symbi_tools.breakers import Breakers
from symbi_tools.config import ToolsConfig
from symbi_tools.schema import Checker, bind

__all__ = ["Tools", "open_tools"]


class Tools(ToolService):
    """All tools by name; the first toolset (by name) keeps a name that two of them claim, and the clash is shown."""

    def __init__(self, config: ToolsConfig, context: PluginContext, providers: dict[str, ToolProvider]) -> None:
        self._config = config
        self._context = context
        self._providers = providers
        self._checkers: dict[str, tuple[ToolSpec, Checker]] = {}
        self.faults: dict[str, str] = {}
        self.breakers = Breakers(config.breaker, context.clock.monotonic)

    async def list(self) -> Sequence[ToolSpec]:
        return [spec for _, (spec, _provider) in sorted((await self._all()).items())]

    async def get(self, name: str) -> ToolSpec | None:
        found = (await self._all()).get(name)
        return found[0] if found else None

    async def bind(self, name: str, positional: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
        spec, _ = await self._find(name)
        return bind(spec, positional, named)

    async def validate(self, name: str, arguments: dict[str, Any]) -> None:
        spec, _ = await self._find(name)
        try:
            size = len(msgspec.json.encode(arguments))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(f"{name}: the arguments are no JSON: {error}", code="TOOL_ARGUMENTS_INVALID") from None
        if size > self._config.max_argument_bytes:
            raise InvalidRequest(
                f"{name}: the arguments have {size} bytes, more than {self._config.max_argument_bytes}",
                code="TOOL_ARGUMENTS_INVALID",
            )
        # A secret is put in only after the gate; until then its reference stands for its text.
        self._checker(spec).check(handles_as_text(arguments))

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        spec, provider = await self._find(name)
        seconds = min(spec.timeout_seconds, self._config.max_timeout_seconds)
        if run.deadline_ms is not None:
            seconds = min(seconds, max(0.001, (run.deadline_ms - self._context.clock.now_ms()) / 1000))
        leave = self.breakers.enter(spec.server, name)
        good: bool | None = None
        try:
            async with asyncio.timeout(seconds):
                result = await provider.call(name, arguments, run=run)
            good = True
        except TimeoutError:
            good = False
            raise Timeout(f"the tool {name!r} did not answer within {seconds:g} s", code="TOOL_TIMEOUT") from None
        except (InvalidRequest, NotFound, PolicyDenied):
            # Says something about what was asked, and nothing about the tool's health.
            raise
        except SymbiError:
            good = False
            raise
        except Exception as error:
            good = False
            self._context.logger.exception("tool %s failed", name)
            raise SymbiError(f"the tool {name!r} failed: {type(error).__name__}", code="TOOL_FAILED") from error
        finally:
            leave(good)
        return self._bounded(name, result)

    async def health(self) -> Health:
        """Say which toolsets cannot list their tools."""
        tools = await self._all()
        if open_circuits := self.breakers.states():
            return degraded("circuits are open: " + ", ".join(sorted(open_circuits)), tools=len(tools))
        if self.faults:
            return degraded("; ".join(f"{name}: {fault}" for name, fault in self.faults.items()), tools=len(tools))
        return healthy(tools=len(tools), toolsets=len(self._providers))

    async def _all(self) -> dict[str, tuple[ToolSpec, ToolProvider]]:
        found: dict[str, tuple[ToolSpec, ToolProvider]] = {}
        self.faults = {}
        for server, provider in self._providers.items():
            try:
                specs = await provider.tools()
            except Exception as error:
                self.faults[server] = str(error) or type(error).__name__
                continue
            for spec in specs:
                if spec.name in self._config.disabled:
                    continue
                if spec.name in found:
                    self.faults[server] = f"the tool {spec.name!r} is already offered by {found[spec.name][0].server!r}"
                    continue
                found[spec.name] = (spec if spec.server else msgspec.structs.replace(spec, server=server), provider)
        return found

    async def _find(self, name: str) -> tuple[ToolSpec, ToolProvider]:
        tools = await self._all()
        if name not in tools:
            raise NotFound(
                f"no tool {name!r} is installed (there are: {', '.join(sorted(tools)) or 'none'})",
                code="TOOL_NOT_FOUND",
                hint="symbi tools list",
            )
        return tools[name]

    def _checker(self, spec: ToolSpec) -> Checker:
        known = self._checkers.get(spec.name)
        if known is None or (known[0] is not spec and known[0] != spec):
            known = self._checkers[spec.name] = (spec, Checker(spec))
        return known[1]

    def _bounded(self, name: str, result: Any) -> Any:
        try:
            encoded = msgspec.json.encode(result)
        except (TypeError, ValueError, RecursionError):
            raise SymbiError(f"the tool {name!r} answered something that is no JSON", code="TOOL_FAILED") from None
        if len(encoded) > self._config.max_result_bytes:
            raise SymbiError(
                f"the tool {name!r} answered {len(encoded)} bytes, more than {self._config.max_result_bytes}",
                code="TOOL_RESULT_TOO_LARGE",
            )
        return msgspec.json.decode(encoded)


@asynccontextmanager
async def open_tools(config: ToolsConfig, context: PluginContext) -> AsyncIterator[Tools]:
    """Open every toolset that opens by itself or is named; one that fails costs only its own tools."""
    offers: dict[str, Toolset] = dict(context.catalogue(TOOLS))
    for name in config.toolsets:
        if name not in offers:
            raise ConfigError(
                f"tools.toolsets: no toolset {name!r} is installed (installed: {', '.join(sorted(offers))})",
                path="tools.toolsets",
                hint=f"pip install symbi-{name}",
            )
    providers: dict[str, ToolProvider] = {}
    async with AsyncExitStack() as stack:
        for name, offer in sorted(offers.items()):
            if name in config.disabled or not (offer.default or name in config.toolsets):
                continue
            try:
                providers[name] = await stack.enter_async_context(context.open(TOOLS, name))
            except ConfigError:
                raise
            except SymbiError as error:
                if name in config.toolsets:
                    raise
                context.logger.warning("toolset %s is off: %s", name, error)
        yield Tools(config, context, providers)
