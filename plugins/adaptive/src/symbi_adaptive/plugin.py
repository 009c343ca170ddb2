"""What the plugin `adaptive` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Service, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="adaptive",
        provides="symbi.contracts.reasoning:Adaptive",
        config="symbi_adaptive.config:AdaptiveConfig",
        open="symbi_adaptive.service:open_adaptive",
        table="adaptive",
        summary="Chooses tools, stops stuck loops, fetches context, knows conventions.",
    )
