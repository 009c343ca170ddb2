"""What this plugin offers: one exporter."""

from __future__ import annotations

from symbi import hookimpl


@hookimpl
def exporters():
    from symbi.contracts.metrics import Exporter

    yield Exporter(
        name="stdout",
        config="symbi_stdout.exporter:Config",
        open="symbi_stdout.exporter:open_stdout",
        summary="Prints snapshots.",
    )
