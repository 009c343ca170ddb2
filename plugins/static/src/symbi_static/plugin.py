"""What the plugin `static` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, Offer, hookimpl

__all__: list[str] = []


@hookimpl
def review_analyzers() -> Iterator[Offer]:
    yield Offer(
        name="static",
        open="symbi_static.provider:open_analyzer",
        config="symbi_static.config:StaticConfig",
        summary="Follows data through Python, JavaScript and TypeScript; reads what a model reads.",
    )


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="tools analyze", load="symbi_static.cli:analyze", summary="Analyze a tool's source, offline.")
