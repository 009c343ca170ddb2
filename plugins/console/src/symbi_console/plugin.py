"""What the plugin `console` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import RouteGroup, hookimpl

__all__: list[str] = []


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="console", load="symbi_console.routes:HANDLERS", prefix="/")
