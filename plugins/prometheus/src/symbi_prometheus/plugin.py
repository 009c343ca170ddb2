"""What the plugin `prometheus` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import RouteGroup, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.metrics import Exporter

__all__: list[str] = []


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="prometheus", load="symbi_prometheus.routes:HANDLERS", prefix="/")


@hookimpl
def exporters() -> Iterator[Exporter]:
    from symbi.contracts.metrics import Exporter

    yield Exporter(
        name="textfile",
        config="symbi_prometheus.config:TextfileConfig",
        open="symbi_prometheus.textfile:open_textfile",
        summary="Writes a .prom file for node_exporter's textfile collector, atomically.",
    )
