"""The metrics service: snapshots on demand, and exported in the background."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.metrics import MetricsService, MetricsSnapshot
from symbi.kernel.context import PluginContext
from symbi.kernel.points import EXPORTERS
from symbi_metrics.collector import MetricsCollector
from symbi_metrics.composite import CompositeExporter
from symbi_metrics.config import MetricsConfig
from symbi_metrics.listeners import RequestRate, listen
from symbi_metrics.registry import Registry
from symbi_metrics.snapshot import SnapshotBuilder

__all__ = ["Metrics", "open_metrics"]


class Metrics(MetricsService):
    """Collects snapshots and knows how the exporters do."""

    def __init__(self, config: MetricsConfig, builder: SnapshotBuilder, composite: CompositeExporter) -> None:
        self._config = config
        self._builder = builder
        self.composite = composite

    async def collect(self) -> MetricsSnapshot:
        return await self._builder.build()

    async def health(self) -> Health:
        """Say which exporters and sources fail."""
        records = self.composite.records
        faults = [
            f"exporter {name} failed {record.failures_in_a_row} times in a row: {record.last_error}"
            for name, record in records.items()
            if record.failures_in_a_row >= self._config.failures_until_degraded
        ]
        faults += [f"source {name}: {error}" for name, error in self._builder.failures.items()]
        counts: dict[str, Any] = {
            name: {"exports": record.exports, "failures": record.failures} for name, record in records.items()
        }
        return (
            degraded("; ".join(faults), remedy="see the exporter's settings and its endpoint", **counts)
            if faults
            else healthy(**counts)
        )


@asynccontextmanager
async def open_metrics(config: MetricsConfig, context: PluginContext) -> AsyncIterator[Metrics]:
    """Open the configured exporters and collect until closed; an exporter that cannot be built stops the start."""
    async with AsyncExitStack() as stack:
        exporters = {name: await stack.enter_async_context(context.open(EXPORTERS, name)) for name in config.exporters}
        registry, rate = Registry(), RequestRate(context.clock.monotonic)
        for undo in listen(context, registry, rate):
            stack.push_async_callback(undo)
        builder = SnapshotBuilder(context, registry, rate, deadline=config.source_timeout_seconds)
        composite = CompositeExporter(
            exporters,
            timeout_seconds=config.export_timeout_seconds,
            monotonic=context.clock.monotonic,
            observe=registry.exported,
        )
        collector = MetricsCollector(
            composite,
            config.interval_seconds,
            collect=builder.build,
            clock=context.clock,
            jitter=config.jitter_seconds,
            randomness=context.random,
        )
        if exporters:
            collector.start()
        try:
            yield Metrics(config, builder, composite)
        finally:
            await collector.stop()
