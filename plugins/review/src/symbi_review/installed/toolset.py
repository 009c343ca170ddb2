"""The toolset `signed`: installed packages that verify right now, as tools of agents."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from symbi.contracts.errors import Conflict, NotFound
from symbi.contracts.review import band_of
from symbi.contracts.signing import ApprovalRegister
from symbi.contracts.tools import Risk, ToolSpec
from symbi_review.installed.functions import ToolFunction, functions_of
from symbi_review.installed.runner import run_tool
from symbi_review.installed.store import LoadedTool, load_all
from symbi_review.service import ReviewService

__all__ = ["SignedToolset", "open_toolset"]

_TIMEOUT = 30.0
_RISKS: dict[str, Risk] = {"low": "low", "medium": "medium", "high": "high"}


class SignedToolset:
    """`ToolProvider` over the installed packages; each is verified again before every call."""

    def __init__(self, context: Any) -> None:
        self._context = context

    async def _named(self) -> dict[str, tuple[LoadedTool, ToolFunction | None]]:
        service = self._context.services.maybe(ApprovalRegister)
        if not isinstance(service, ReviewService):
            return {}
        found: dict[str, tuple[LoadedTool, ToolFunction | None]] = {}
        for tool in await load_all(service):
            bare = re.sub(r"[^A-Za-z0-9_]", "_", tool.tool_name)
            functions = functions_of(tool.source_code) if not tool.problem else []
            if tool.problem:
                found[bare] = (tool, None)
            for function in functions:
                found[bare if len(functions) == 1 else f"{bare}_{function.name}"] = (tool, function)
        return found

    async def tools(self) -> Sequence[ToolSpec]:
        """See `ToolProvider.tools`; a blocked, expired or revoked package offers nothing."""
        specs = []
        for name, (tool, function) in (await self._named()).items():
            if function is None:
                continue
            specs.append(
                ToolSpec(
                    name=name,
                    description="\n".join(part for part in (tool.description, function.description) if part),
                    parameters=function.parameters,
                    risk=_RISKS[band_of(tool.risk_score)],
                    timeout_seconds=_TIMEOUT,
                    positional=tuple(function.parameters["properties"]),
                    server="signed",
                    verified=True,
                    network=any(word.startswith("net.") for word in tool.permissions),
                )
            )
        return specs

    async def call(self, name: str, arguments: dict[str, Any], *, run: Any) -> Any:
        """See `ToolProvider.call`."""
        tool, function = (await self._named()).get(name, (None, None))
        if tool is None:
            raise NotFound(f"no installed tool is called {name!r}")
        if function is None:
            raise Conflict(f"the tool {tool.tool_name} may not be used: {tool.problem}", hint="symbi tools installed")
        return await run_tool(tool, function.name, arguments, environ=self._context.environ, timeout=_TIMEOUT)


@asynccontextmanager
async def open_toolset(config: Any, context: Any) -> AsyncIterator[SignedToolset]:
    """Open the toolset."""
    yield SignedToolset(context)
