"""Snapshot, collector, fan-out and route."""

from __future__ import annotations

import asyncio
import types
from contextlib import asynccontextmanager

import msgspec
import pytest

from symbi import MetricsSource, hookimpl
from symbi.contracts.errors import ConfigError
from symbi.contracts.metrics import Exporter, MetricsService
from symbi.testing.exporters import a_snapshot
from symbi_metrics import CompositeExporter, MetricsCollector

SEED = {
    "scheduler": {
        "total_jobs",
        "active_jobs",
        "paused_jobs",
        "failed_jobs",
        "total_runs",
        "successful_runs",
        "dead_letter_count",
    },
    "task_manager": {"queued_tasks", "running_tasks", "completed_tasks", "failed_tasks"},
    "load_balancer": {"total_workers", "active_workers", "requests_per_second"},
    "system": {"cpu_usage_percent", "memory_usage_bytes", "memory_total_bytes", "uptime_seconds"},
}
FLAT_INTEGERS = (
    "uptime_seconds",
    "memory_usage_bytes",
    "disk_usage_bytes",
    "active_agents",
    "total_agents",
    "secrets_count",
    "mcp_connections",
    "vector_db_items",
)
FLAT_FLOATS = ("memory_usage_percent", "cpu_usage_percent", "disk_usage_percent")


def source(name, collect):
    return types.SimpleNamespace(metrics_sources=hookimpl(lambda: [MetricsSource(name=name, collect=collect)]))


async def test_the_route_answers_the_seeds_blocks_and_the_sdks_numbers(make_app):
    async def jobs(context):
        return {"total_jobs": 12, "active_jobs": 8}

    async def thoughts(context):
        return {"loops": 2}

    async with make_app(["symbi_metrics.plugin", source("scheduler", jobs), source("reasoning", thoughts)]) as app:
        answer = await app.anonymous.get("/metrics")
        assert answer.status_code == 200
        body = answer.json()
        for block, names in SEED.items():
            assert set(body[block]) == names
        assert body["scheduler"]["total_jobs"] == 12
        assert body["reasoning"] == {"loops": 2}
        assert body["timestamp"].endswith("Z")
        assert all(isinstance(body[name], int) for name in FLAT_INTEGERS)
        assert all(isinstance(body[name], float) for name in FLAT_FLOATS)
        assert body["system"]["memory_total_bytes"] > body["system"]["memory_usage_bytes"] > 0


async def test_a_token_that_is_sent_must_be_valid(make_app):
    async with make_app(["symbi_metrics.plugin"]) as app:
        assert (await app.anonymous.get("/metrics", headers={"authorization": "Bearer wrong"})).status_code == 401


async def test_a_source_that_fails_or_hangs_keeps_its_last_figures(make_kernel, fake_clock):
    answers = [{"total_jobs": 1}, RuntimeError("no"), "nonsense"]

    async def flaky(context):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def hanging(context):
        await asyncio.sleep(60)

    plugins = ["symbi_metrics.plugin", source("scheduler", flaky), source("task_manager", hanging)]
    async with make_kernel(plugins, tables={"metrics": {"source_timeout_seconds": 0.05}}, clock=fake_clock) as kernel:
        metrics = kernel.services.get(MetricsService)
        for _ in range(3):
            snapshot = await metrics.collect()
            assert snapshot.scheduler.total_jobs == 1
            assert snapshot.task_manager.queued_tasks == 0
            await fake_clock.advance(2)
        verdict = await metrics.health()
        assert verdict.state == "degraded"
        assert "did not answer" in verdict.reason


async def test_callers_within_a_second_share_a_snapshot(make_kernel, fake_clock):
    async with make_kernel(["symbi_metrics.plugin"], clock=fake_clock) as kernel:
        metrics = kernel.services.get(MetricsService)
        first = await metrics.collect()
        assert await metrics.collect() is first
        await fake_clock.advance(1.5)
        assert await metrics.collect() is not first


class Recorder:
    def __init__(self, work=None):
        self.seen = []
        self.work = work

    async def export(self, snapshot):
        if self.work:
            await self.work()
        self.seen.append(snapshot)


async def raising():
    raise OSError("disk on fire")


async def hanging():
    await asyncio.sleep(60)


async def test_one_failing_and_one_hanging_exporter_delay_nobody(caplog):
    good = Recorder()
    composite = CompositeExporter(
        {"good": good, "bad": Recorder(raising), "stuck": Recorder(hanging)}, timeout_seconds=0.05
    )
    for _ in range(3):
        outcomes = await composite.export(a_snapshot())
        assert outcomes["good"].ok
        assert not outcomes["bad"].ok
        assert not outcomes["stuck"].ok
    assert len(good.seen) == 3
    assert composite.records["bad"].failures_in_a_row == 3
    assert "disk on fire" in composite.records["bad"].last_error
    assert sum("exporter bad failed" in record.message for record in caplog.records) == 1


async def test_the_collector_exports_at_once_at_a_fixed_rate_and_a_last_time(fake_clock):
    sink = Recorder()

    async def collect():
        return a_snapshot()

    collector = MetricsCollector(sink, 10, collect=collect, clock=fake_clock)
    collector.start()
    collector.start()
    await fake_clock.advance(0)
    assert len(sink.seen) == 1
    await fake_clock.advance(30)
    assert len(sink.seen) == 4
    await collector.stop()
    assert len(sink.seen) == 5
    await collector.stop()
    assert not collector.running


async def test_a_late_tick_is_skipped_not_piled_up(fake_clock):
    sink = Recorder(lambda: fake_clock.sleep(25))

    async def collect():
        return a_snapshot()

    collector = MetricsCollector(sink, 10, collect=collect, clock=fake_clock)
    collector.start()
    await fake_clock.advance(100)
    assert len(sink.seen) == 3  # each takes 25 s: done at 25, 55 and 85
    collector._task.cancel()


async def test_an_exporter_that_is_not_installed_stops_the_start(make_kernel):
    with pytest.raises(ConfigError, match="no exporter 'otlpp' is installed"):
        async with make_kernel(["symbi_metrics.plugin"], tables={"metrics": {"exporters": ["otlpp"]}}):
            pass


@pytest.mark.parametrize("setting", [{"interval_seconds": 0}, {"jitter_seconds": -1}, {"exporters": "file"}])
async def test_wrong_settings_are_refused(make_kernel, setting):
    with pytest.raises(ConfigError, match="metrics"):
        async with make_kernel(["symbi_metrics.plugin"], tables={"metrics": setting}):
            pass


async def test_configured_exporters_get_snapshots_until_the_end(make_kernel):
    recorder = Recorder()

    @asynccontextmanager
    async def open_it(config, context):
        yield recorder

    plugin = types.SimpleNamespace(exporters=hookimpl(lambda: [Exporter(name="recorder", open=open_it)]))
    async with make_kernel(["symbi_metrics.plugin", plugin], tables={"metrics": {"exporters": ["recorder"]}}):
        await asyncio.sleep(0.05)
        assert len(recorder.seen) == 1
    assert len(recorder.seen) == 2
    assert msgspec.json.decode(msgspec.json.encode(recorder.seen[0].wire()))["system"]
