"""What the plugin `tools` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import Command, RouteGroup, Service, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.tools import Toolset

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="tools",
        provides="symbi.contracts.tools:ToolService",
        config="symbi_tools.config:ToolsConfig",
        open="symbi_tools.service:open_tools",
        table="tools",
        summary="Knows every tool, checks arguments, bounds time.",
    )


@hookimpl
def tools() -> Iterator[Toolset]:
    from symbi.contracts.tools import Toolset

    yield Toolset(name="basic", open="symbi_tools.basic:open_basic", summary="clock, json_parse, json_get")
    yield Toolset(
        name="files",
        open="symbi_tools.files:open_files",
        config="symbi_tools.config:FilesConfig",
        summary="read_file, write_file, list_files inside the run's folder",
    )
    yield Toolset(
        name="http",
        open="symbi_tools.http:open_http",
        config="symbi_tools.config:HttpConfig",
        summary="http_get to public addresses",
    )
    yield Toolset(
        name="manifests",
        open="symbi_tools.manifests:open_manifests",
        config="symbi_tools.config:ManifestsConfig",
        summary="Tools that operators declare in TOML files",
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="tools", load="symbi_tools.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(
        name="tools list",
        load="symbi_tools.cli:list_tools",
        summary="List the tools that agents may be allowed to call.",
    )
    yield Command(
        name="tools check", load="symbi_tools.cli:check_manifests", summary="Check declarative tool manifests."
    )
