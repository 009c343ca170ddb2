"""The exporter `otlp`: each snapshot's instruments, sent at once; a failure is noticed and told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from symbi.contracts.metrics import MetricsExporter, MetricsSnapshot
from symbi.kernel.clock import Clock, SystemClock
from symbi.kernel.context import PluginContext
from symbi.kernel.kernel import core_version
from symbi_otlp.config import OtlpConfig
from symbi_otlp.environment import disabled, with_environment
from symbi_otlp.points import Converter
from symbi_otlp.transport import Transport, resource_of

__all__ = ["OtlpExporter", "open_otlp"]


class OtlpExporter(MetricsExporter):
    """Sends metrics to an OTLP endpoint; the library is loaded at the first export."""

    def __init__(
        self,
        config: OtlpConfig,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        instance: str = "local",
    ) -> None:
        self._config = with_environment(config, environ or {}, "metrics")
        self._off = disabled(environ or {})
        self._clock = clock or SystemClock()
        self._instance = instance
        self._transport = Transport(self._config, "metrics")
        self._transport.check()
        self._converter: Converter | None = None
        self._start_ns = self._clock.now_ms() * 1_000_000

    async def export(self, snapshot: MetricsSnapshot) -> None:
        if self._off:
            return
        if self._converter is None:
            version = core_version()
            resource = resource_of(self._config, version=version, instance=self._instance)
            self._converter = Converter(resource, version=version, delta=self._config.temporality == "delta")
        now = self._clock.now_ms() * 1_000_000
        await self._transport.send(self._converter.convert(snapshot.instruments, start_ns=self._start_ns, now_ns=now))
        self._converter.sent(snapshot.instruments, now)

    async def close(self) -> None:
        """Close the connection."""
        await self._transport.close()


@asynccontextmanager
async def open_otlp(config: OtlpConfig, context: PluginContext) -> AsyncIterator[OtlpExporter]:
    """Open the exporter."""
    exporter = OtlpExporter(config, environ=context.environ, clock=context.clock, instance=context.ids.uuid())
    try:
        yield exporter
    finally:
        await exporter.close()
