"""What the plugin `compat` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Service, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="compat",
        provides="symbi.contracts.agents:StateWords",
        config="symbi_compat.states:CompatConfig",
        open="symbi_compat.states:open_words",
        table="compat",
        summary="Words states of agents for the Symbiont Python SDK, where that is switched on.",
    )
