"""Instruments: bounded series, totals that never fall, what is fed by events, and a collector that survives everything (metrics.md §3, §5)."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.metrics import MetricsService
from symbi.contracts.telemetry import DeliveryTried, ModelCalled, RequestServed
from symbi.testing.exporters import a_snapshot
from symbi_metrics import MetricsCollector
from symbi_metrics.instruments import MOST_SERIES, SHORT, Counter, Histogram
from symbi_metrics.parts import channel_instruments
from symbi_metrics.process import ProcessProbe
from symbi_metrics.ratchet import Ratchet


@pytest.mark.parametrize("many", [100_000])
def test_series_are_bounded_and_nothing_is_lost_in_the_overflow(many):
    counter, histogram = Counter("a.b", "1", "."), Histogram("a.c", ".", SHORT)
    for number in range(many):
        counter.add(1, (("id", str(number)),))
        histogram.record(0.01, (("id", str(number)),))
    for instrument, total in (
        (counter.read(), lambda point: point.value),
        (histogram.read(), lambda point: point.count),
    ):
        assert len(instrument.points) <= MOST_SERIES + 1
        assert sum(map(total, instrument.points)) == many
        assert instrument.points[-1].attributes == {"otel.metric.overflow": "true"}


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_a_held_total_never_falls_and_misses_no_rise(readings):
    ratchet = Ratchet()
    totals = [ratchet.hold("x", reading) for reading in readings]
    assert totals == sorted(totals)
    rises = sum(max(0, after - before) for before, after in itertools.pairwise(readings))
    assert totals[-1] == readings[0] + rises


def test_the_process_is_measured():
    probe = ProcessProbe()
    sum(range(300_000))
    found = {each.name: each.points for each in probe.read()}
    assert found["process.memory.usage"][0].value > 1_000_000
    assert found["process.thread.count"][0].value >= 1
    assert found["process.unix.file_descriptor.count"][0].value >= 3
    assert 0 <= found["process.cpu.utilization"][0].value <= 1.5
    assert {point.attributes["cpu.mode"] for point in found["process.cpu.time"]} == {"user", "system"}


def test_channels_are_summed_by_platform_never_by_name():
    each = {
        "a": {"platform": "slack", "inbound": 2, "failed": 1},
        "b": {"platform": "slack", "inbound": 3, "retried": 4},
    }
    messages, retries, _ = channel_instruments({"each": each})
    values = {
        (p.attributes["symbi.channel.direction"], p.attributes["symbi.outcome"]): p.value for p in messages.points
    }
    assert values == {("in", "success"): 5, ("out", "success"): 0, ("out", "failure"): 1}
    assert retries.points[0].value == 4
    assert channel_instruments({}) == ()


async def test_events_of_models_requests_and_deliveries_are_counted(make_kernel):
    async with make_kernel(["symbi_metrics.plugin"]) as kernel:
        publish = kernel.events.publish
        publish(ModelCalled(provider="openrouter", model="m", seconds=0.3, prompt_tokens=12, completion_tokens=5))
        publish(ModelCalled(provider="openrouter", model="m", seconds=0.1, error="rate_limited"))
        publish(DeliveryTried(run_id="r", target="webhook", delivered=False, attempt=1, at=0, seconds=0.2, error="no"))
        publish(
            RequestServed(
                method="GET", route="/x", status=200, started_ns=0, seconds=0.1,
                trace_id="", span_id="", sampled=True, scheme="https",
            )
        )  # fmt: skip
        await asyncio.sleep(0.05)
        found = {each.name: each for each in (await kernel.services.get(MetricsService).collect()).instruments}
    usage = {point.attributes["gen_ai.token.type"]: point.sum for point in found["gen_ai.client.token.usage"].points}
    assert usage == {"input": 12, "output": 5}
    calls = found["gen_ai.client.operation.duration"].points
    assert [point.attributes.get("error.type") for point in calls] == [None, "rate_limited"]
    assert found["symbi.delivery.duration"].points[0].attributes["symbi.outcome"] == "failure"
    assert found["http.server.request.duration"].points[0].attributes["url.scheme"] == "https"


async def test_the_collector_survives_a_collection_that_fails_for_ever(fake_clock, caplog):
    asked = 0

    async def collect():
        nonlocal asked
        asked += 1
        if asked < 4:
            raise OSError("the store is gone")
        return a_snapshot()

    class Sink:
        seen = 0

        async def export(self, snapshot):
            self.seen += 1

    sink = Sink()
    collector = MetricsCollector(sink, 10, collect=collect, clock=fake_clock)
    collector.start()
    await fake_clock.advance(45)
    assert collector.running
    assert sink.seen >= 1
    assert sum("the store is gone" in record.message for record in caplog.records) == 1
    await collector.stop()
