"""What the plugin `mcp` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import Command, RouteGroup, Tables, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.tools import Toolset

__all__: list[str] = []


@hookimpl
def tools() -> Iterator[Toolset]:
    from symbi.contracts.tools import Toolset

    yield Toolset(
        name="mcp",
        open="symbi_mcp.toolset:open_mcp",
        config="symbi_mcp.config:McpConfig",
        summary="Tools of the MCP servers that the configuration names",
    )


@hookimpl
def tables() -> Iterator[Tables]:
    yield Tables(name="mcp", load="symbi_mcp.tables:METADATA", migrations="symbi_mcp.migrations")


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="mcp", load="symbi_mcp.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(
        name="mcp", load="symbi_mcp.cli:mcp", summary="See and approve the tools of MCP servers; serve as one."
    )
