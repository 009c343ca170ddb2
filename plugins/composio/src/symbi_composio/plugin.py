"""What the plugin `composio` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import Command, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.tools import Toolset

__all__: list[str] = []


@hookimpl
def tools() -> Iterator[Toolset]:
    from symbi.contracts.tools import Toolset

    yield Toolset(
        name="composio",
        open="symbi_composio.toolset:open_composio",
        config="symbi_composio.config:ComposioConfig",
        summary="Pinned tools of Composio (COMPOSIO_API_KEY, COMPOSIO_MCP_URL); off unless named in [tools] toolsets",
        default=False,
    )


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(
        name="composio",
        load="symbi_composio.cli:composio",
        summary="List Composio's tools with their digests, to pin them.",
    )
