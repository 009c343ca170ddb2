"""Sends traces: of requests as they are answered, of runs once they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from symbi.contracts.errors import SymbiError
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.runs import RunEnded, RunEvent, RunService
from symbi.contracts.telemetry import DeliveryTried, RequestServed, TraceSampler
from symbi.kernel.context import PluginContext
from symbi.kernel.kernel import core_version
from symbi_otlp.config import OtlpConfig
from symbi_otlp.environment import disabled, with_environment
from symbi_otlp.sdk_spans import to_sdk
from symbi_otlp.spans import SpanFacts, delivery_span, place_of, request_span, run_spans, sampled
from symbi_otlp.transport import Transport, resource_of

__all__ = ["RunTracer", "open_tracer"]

_QUEUE = 10_000
_BATCH = 512
_PAUSE_SECONDS = 1.0


class RunTracer(TraceSampler):
    """Gathers spans and sends them in batches; a full queue drops the newest, counted."""

    def __init__(self, config: OtlpConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._queue: asyncio.Queue[SpanFacts] = asyncio.Queue(maxsize=_QUEUE)
        self._some = asyncio.Event()
        self._transport = Transport(config, "traces")
        self._transport.check()
        self._resource: Any = None
        self._level = max(config.max_requests_per_second, 1.0)
        self._filled_at = context.clock.monotonic()
        self.dropped = 0
        self.sent = 0
        self.last_error = ""

    def samples(self, trace_id: str, *, request: bool = False) -> bool:
        return sampled(trace_id, self._config.sample_ratio) and (not request or self._take())

    def _take(self) -> bool:
        """Take one of the traces that requests may begin now: a bucket that holds a second's worth."""
        now, most = self._context.clock.monotonic(), self._config.max_requests_per_second
        level = min(max(most, 1.0), self._level + (now - self._filled_at) * most)
        self._filled_at = now
        self._level = level - 1 if level >= 1 else level
        return level >= 1

    def on_request(self, event: RequestServed) -> None:
        """Take the span of one request."""
        if event.sampled:
            self._put([request_span(event)])

    async def on_run(self, event: RunEnded) -> None:
        """Take the spans of one ended run, read from its journal."""
        runs = self._context.services.maybe(RunService)
        if runs is None:
            return
        journal = [each async for each in runs.events(event.run.run_id, follow=False)]
        if place_of(event.run.run_id, journal).sampled:
            self._put(run_spans(event.run, journal, self._config))

    async def on_delivery(self, event: DeliveryTried) -> None:
        """Take the span of one delivery of a run's result."""
        runs = self._context.services.maybe(RunService)
        if runs is None:
            return
        first = [each async for each in _first(runs.events(event.run_id, follow=False))]
        place = place_of(event.run_id, first)
        if place.sampled:
            self._put([delivery_span(event, place)])

    async def work(self) -> None:
        """Send for ever, a batch at a time; a failed batch is dropped and counted, since its traces would only pile up."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_PAUSE_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Send what is queued."""
        self._some.clear()
        while not self._queue.empty():
            batch: list[SpanFacts] = []
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._send(batch)

    async def close(self) -> None:
        """Send what is left within the export's time, and close the connection."""
        try:
            async with asyncio.timeout(min(3.0, self._config.timeout_seconds)):
                await self.flush()
        except TimeoutError:
            self._context.logger.warning("traces: %d spans were not sent before the end", self._queue.qsize())
        await self._transport.close()

    async def health(self) -> Health:
        """Say whether spans arrive."""
        if self.last_error:
            return degraded(
                f"traces are not sent: {self.last_error}", remedy="[plugins.otlp] endpoint", dropped=self.dropped
            )
        return healthy(sent=self.sent, dropped=self.dropped)

    def _put(self, spans: Sequence[SpanFacts]) -> None:
        self._some.set()
        for span in spans:
            try:
                self._queue.put_nowait(span)
            except asyncio.QueueFull:
                self.dropped += 1

    async def _send(self, batch: list[SpanFacts]) -> None:
        if self._resource is None:
            self._resource = resource_of(self._config, version=core_version(), instance=self._context.ids.uuid())
        try:
            await self._transport.send(to_sdk(batch, self._resource))
        except SymbiError as error:
            self.dropped += len(batch)
            if not self.last_error:
                self._context.logger.warning("traces are not sent: %s", error)
            self.last_error = str(error)
            return
        self.sent += len(batch)
        self.last_error = ""


async def _first(events: AsyncIterator[RunEvent]) -> AsyncIterator[RunEvent]:
    async for event in events:
        yield event
        return


@asynccontextmanager
async def open_tracer(config: OtlpConfig, context: PluginContext) -> AsyncIterator[RunTracer]:
    """Open the tracer; with `traces = false` it listens to nothing and loads nothing."""
    tracer = RunTracer(with_environment(config, context.environ, "traces"), context)
    if not config.traces or disabled(context.environ):
        yield tracer
        return
    undo = [
        context.events.subscribe(RunEnded, tracer.on_run, name="otlp:runs", limit=_QUEUE),
        context.events.subscribe(DeliveryTried, tracer.on_delivery, name="otlp:deliveries", limit=_QUEUE),
    ]
    untap = context.events.taps.add(RequestServed, tracer.on_request)
    task = context.tasks.supervise("traces", tracer.work)
    try:
        yield tracer
    finally:
        untap()
        for each in undo:
            await each()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await tracer.close()
