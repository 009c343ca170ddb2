"""What this plugin offers: the run engine `procrastinate`."""

from __future__ import annotations

from collections.abc import Iterable

from symbi import Offer, hookimpl

__all__ = ["run_engines"]


@hookimpl
def run_engines() -> Iterable[Offer]:
    """Offer an engine whose queue operators can watch and steer with Procrastinate's own tools."""
    yield Offer(
        name="procrastinate",
        config="symbi_procrastinate.config:ProcrastinateConfig",
        open="symbi_procrastinate.engine:open_procrastinate",
        summary="Queues runs as Procrastinate jobs in the store's own PostgreSQL; any number of nodes takes them.",
    )
