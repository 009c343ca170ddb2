"""What the plugin `otlp` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import Service, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.metrics import Exporter

__all__: list[str] = []


@hookimpl
def exporters() -> Iterator[Exporter]:
    from symbi.contracts.metrics import Exporter

    yield Exporter(
        name="otlp",
        config="symbi_otlp.config:OtlpConfig",
        open="symbi_otlp.exporter:open_otlp",
        summary="Sends metrics to any OpenTelemetry endpoint, over gRPC or HTTP.",
    )


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="otlp-traces",
        provides="symbi.contracts.telemetry:TraceSampler",
        config="symbi_otlp.config:OtlpConfig",
        open="symbi_otlp.tracer:open_tracer",
        table="plugins.otlp",
        optional=("symbi.contracts.runs:RunService",),
        summary="Sends one trace per run, from the request or fire through gate, tools and models; off unless traces = true.",
    )
