"""What the plugin `metrics` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, RouteGroup, Service, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="metrics",
        provides="symbi.contracts.metrics:MetricsService",
        config="symbi_metrics.config:MetricsConfig",
        open="symbi_metrics.service:open_metrics",
        table="metrics",
        summary="Collects snapshots and hands them to exporters.",
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="metrics", load="symbi_metrics.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="metrics", load="symbi_metrics.cli:metrics", summary="Show the metrics snapshot, once or live.")
