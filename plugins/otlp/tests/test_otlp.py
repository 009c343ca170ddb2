"""Metrics and traces arrive whole, and failures are noticed."""

from __future__ import annotations

import asyncio
import types
from contextlib import asynccontextmanager

import msgspec
import pytest

from symbi import Service, hookimpl
from symbi.contracts.errors import ConfigError, Unavailable
from symbi.contracts.metrics import Instrument, Point
from symbi.contracts.runs import RunEnded, RunEvent, RunService, RunView, Usage
from symbi.contracts.secret import Secret
from symbi.contracts.telemetry import TraceSampler
from symbi.testing.exporters import a_snapshot
from symbi_otlp import OtlpConfig, OtlpExporter, plugin
from symbi_otlp.spans import run_spans, sampled

COUNTER = Instrument(
    name="symbi.policy.decisions",
    kind="counter",
    unit="{decision}",
    description="Decisions.",
    points=(Point(attributes={"symbi.policy.decision": "deny"}, value=3),),
)
LEVEL = Instrument(
    name="symbi.task.count",
    kind="updown",
    unit="{task}",
    description="Runs.",
    points=(Point(attributes={"symbi.task.state": "queued"}, value=2),),
)
GAUGE = Instrument(name="process.uptime", kind="gauge", unit="s", description="Age.", points=(Point(value=1.5),))
HISTOGRAM = Instrument(
    name="symbi.run.duration",
    kind="histogram",
    unit="s",
    description="Runs.",
    bounds=(0.1, 1.0),
    points=(Point(count=6, sum=7.5, buckets=(1, 2, 3)),),
)


def snapshot(*instruments):
    return msgspec.structs.replace(a_snapshot(), instruments=instruments or (COUNTER, LEVEL, GAUGE, HISTOGRAM))


def check(received):
    metrics = received.all_metrics()
    counter = metrics["symbi.policy.decisions"]
    assert counter.unit == "{decision}"
    assert counter.sum.is_monotonic
    assert counter.sum.aggregation_temporality == 2
    assert counter.sum.data_points[0].as_int == 3
    assert counter.sum.data_points[0].attributes[0].value.string_value == "deny"
    assert not metrics["symbi.task.count"].sum.is_monotonic
    assert metrics["process.uptime"].gauge.data_points[0].as_double == 1.5
    histogram = metrics["symbi.run.duration"].histogram.data_points[0]
    assert (list(histogram.bucket_counts), list(histogram.explicit_bounds), histogram.count, histogram.sum) == (
        [1, 2, 3],
        [0.1, 1.0],
        6,
        7.5,
    )
    resource = {a.key: a.value.string_value for a in received.metrics[0].resource_metrics[0].resource.attributes}
    assert resource["service.name"] == "symbi"
    assert resource["region"] == "north"


async def test_metrics_arrive_over_grpc(grpc_receiver):
    exporter = OtlpExporter(
        OtlpConfig(
            endpoint=grpc_receiver.endpoint,
            headers={"Api-Key": Secret("s3cr3t")},
            resource={"region": "north"},
            compression="gzip",
        )
    )
    await exporter.export(snapshot())
    await exporter.close()
    check(grpc_receiver)
    assert grpc_receiver.headers[0]["api-key"] == "s3cr3t"


async def test_metrics_arrive_over_http(http_receiver):
    exporter = OtlpExporter(
        OtlpConfig(
            endpoint=http_receiver.endpoint,
            protocol="http/protobuf",
            headers={"api-key": Secret("s3cr3t")},
            resource={"region": "north"},
            compression="gzip",
        )
    )
    await exporter.export(snapshot())
    await exporter.close()
    check(http_receiver)
    assert http_receiver.paths == ["/v1/metrics"]
    assert http_receiver.headers[0]["api-key"] == "s3cr3t"
    assert http_receiver.headers[0]["content-encoding"] == "gzip"


async def test_deltas_are_what_came_since_the_last_arrival(http_receiver):
    exporter = OtlpExporter(
        OtlpConfig(endpoint=http_receiver.endpoint, protocol="http/protobuf", temporality="delta", timeout_seconds=0.5)
    )
    await exporter.export(snapshot(COUNTER, HISTOGRAM))
    more = msgspec.structs.replace(COUNTER, points=(Point(attributes={"symbi.policy.decision": "deny"}, value=10),))
    grown = msgspec.structs.replace(HISTOGRAM, points=(Point(count=8, sum=8.0, buckets=(3, 2, 3)),))
    http_receiver.status = 400
    with pytest.raises(Unavailable):
        await exporter.export(snapshot(more, grown))
    http_receiver.status = 200
    await exporter.export(snapshot(more, grown))
    sums = [
        m.sum.data_points[0].as_int
        for request in http_receiver.metrics
        for m in request.resource_metrics[0].scope_metrics[0].metrics
        if m.name == COUNTER.name
    ]
    assert sums == [3, 7]
    assert list(http_receiver.all_metrics()["symbi.run.duration"].histogram.data_points[0].bucket_counts) == [2, 0, 0]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_a_dead_endpoint_is_noticed_within_the_time(protocol):
    exporter = OtlpExporter(OtlpConfig(endpoint="http://127.0.0.1:9", protocol=protocol, timeout_seconds=1))
    async with asyncio.timeout(8):
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
            await exporter.export(snapshot())
    await exporter.close()


@pytest.mark.parametrize("status", [400, 401, 503])
async def test_a_refused_export_is_an_error_with_the_librarys_words(http_receiver, status):
    http_receiver.status = status
    exporter = OtlpExporter(
        OtlpConfig(
            endpoint=http_receiver.endpoint,
            protocol="http/protobuf",
            timeout_seconds=1,
            headers={"k": Secret("canary-secret-value")},
        )
    )
    with pytest.raises(Unavailable) as caught:
        await exporter.export(snapshot())
    assert "canary" not in str(caught.value)


async def test_too_many_requests_is_tried_again(http_receiver):
    http_receiver.answers = [429]
    http_receiver.retry_after = "1"
    exporter = OtlpExporter(OtlpConfig(endpoint=http_receiver.endpoint, protocol="http/protobuf", timeout_seconds=8))
    await exporter.export(snapshot())
    assert len(http_receiver.paths) == 2
    assert len(http_receiver.metrics) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"certificate": "/nowhere.pem"}, "certificate"),
        ({"endpoint": "localhost:4317"}, "endpoint"),
        ({"protocol": "http/json"}, "protocol"),
        ({"sample_ratio": 2}, "sample_ratio"),
    ],
)
async def test_wrong_settings_stop_the_start(make_kernel, changes, words):
    with pytest.raises(ConfigError, match=words):
        async with make_kernel(
            ["symbi_metrics.plugin", plugin], tables={"metrics": {"exporters": ["otlp"]}, "plugins": {"otlp": changes}}
        ):
            pass


async def test_the_environment_wins(http_receiver):
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": http_receiver.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=2",
        "OTEL_SERVICE_NAME": "mine",
    }
    exporter = OtlpExporter(OtlpConfig(), environ=environ)
    await exporter.export(snapshot())
    resource = {a.key: a.value.string_value for a in http_receiver.metrics[0].resource_metrics[0].resource.attributes}
    assert resource["service.name"] == "mine"
    assert http_receiver.headers[0]["b"] == "2"
    with pytest.raises(ConfigError):
        OtlpExporter(OtlpConfig(), environ={"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})


RUN = RunView(
    run_id="5599ca51-15bc-46f2-8922-6a811a15e44a", agent_id="a1", agent="hello", status="failed", trigger="manual", principal="token", input={"q": "hi", "password": "hunter2hunter2"},
    result=None, error={"code": "policy_denied", "message": "no"}, attempt=1, schedule_id=None, scheduled_for=None, created_at=1000, started_at=1100, completed_at=2000, usage=Usage(tokens=12),
)  # fmt: skip
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def journal(*extra):
    kinds = [
        ("queued", 1000, {"agent": "hello", "traceparent": PARENT}),
        ("started", 1100, {"pid": 1}),
        ("gate", 1200, {"effect": 1, "decision": "allow", "policies": ["p1"], "reason": "permitted"}),
        ("effect", 1250, {"effect": 1, "kind": "tool", "name": "clock", "status": "ok", "ms": 40, "line": 3, "arguments": {"token": "abcd"}, "value": 5}),
        ("gate", 1300, {"effect": 2, "decision": "deny", "policies": ["p2"], "reason": "forbidden"}),
        ("effect", 1301, {"effect": 2, "kind": "tool", "name": "http_get", "status": "denied", "ms": 1, "code": "policy_denied", "message": "forbidden"}),
        ("effect", 1400, {"effect": 3, "kind": "model", "name": "m", "status": "ok", "ms": 50, "value": {"provider": "openrouter", "usage": {"prompt_tokens": 7, "completion_tokens": 5}}}),
        ("failed", 2000, {}),
    ]  # fmt: skip
    return [
        RunEvent(run_id=RUN.run_id, seq=number, at=at, kind=kind, data=data)
        for number, (kind, at, data) in enumerate(kinds, 1)
    ]


def test_a_run_becomes_one_trace_below_its_request():
    run, tool, denied, model = run_spans(RUN, journal(), OtlpConfig())
    assert (run.trace_id, run.parent_id) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert {span.trace_id for span in (tool, denied, model)} == {run.trace_id}
    assert {span.parent_id for span in (tool, denied, model)} == {run.span_id}
    assert len({run.span_id, tool.span_id, denied.span_id, model.span_id}) == 4
    assert run.name == "invoke_agent hello"
    assert run.error == "no"
    assert (tool.start_ns, tool.end_ns) == (1_210_000_000, 1_250_000_000)
    assert tool.attributes["gen_ai.tool.name"] == "clock"
    assert tool.events[0][2]["symbi.policy.decision"] == "allow"
    assert denied.attributes["error.type"] == "policy_denied"
    assert model.attributes["gen_ai.usage.input_tokens"] == 7
    assert model.attributes["gen_ai.provider.name"] == "openrouter"
    assert (
        run_spans(RUN, journal(), OtlpConfig(semantic_conventions="1.36"))[3].attributes["gen_ai.system"]
        == "openrouter"
    )
    assert run_spans(RUN, journal(), OtlpConfig()) == [run, tool, denied, model]


def test_content_is_captured_only_on_demand_and_masked():
    assert "hunter2" not in str(run_spans(RUN, journal(), OtlpConfig()))
    assert "arguments" not in str(run_spans(RUN, journal(), OtlpConfig())[1].attributes)
    captured = run_spans(RUN, journal(), OtlpConfig(capture_content=True))
    assert '"q":"hi"' in captured[0].attributes["symbi.run.input"]
    assert "hunter2" not in str(captured)


def test_sampling_takes_the_share_and_is_the_same_everywhere():
    ids = [f"{number:032x}" for number in range(0, 1 << 64, 1 << 54)]
    assert 0.4 < sum(sampled(each, 0.5) for each in ids) / len(ids) < 0.6
    assert all(sampled(each, 1.0) for each in ids)
    assert not any(sampled(each, 0.0) for each in ids)


@pytest.fixture
def runs_plugin():
    class Runs:
        async def events(self, run_id, *, after=0, follow=True):
            for event in journal():
                yield event

    @asynccontextmanager
    async def open_it(config, context):
        yield Runs()

    return types.SimpleNamespace(services=hookimpl(lambda: [Service(name="runs", provides=RunService, open=open_it)]))


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_traces_of_runs_and_requests_arrive(make_app, runs_plugin, grpc_receiver, http_receiver, protocol):
    received = grpc_receiver if protocol == "grpc" else http_receiver
    tables = {"plugins": {"otlp": {"endpoint": received.endpoint, "protocol": protocol, "traces": True}}}
    async with make_app([plugin, runs_plugin], tables=tables) as app:
        answer = await app.client.get("/health", headers={"traceparent": PARENT})
        assert answer.status_code == 200
        app.kernel.events.publish(RunEnded(run=RUN))
        await asyncio.sleep(0.2)
    spans = {span.name: span for span in received.all_spans()}
    request = spans["GET /api/v1/health"]
    assert request.trace_id.hex() == PARENT.split("-")[1]
    assert request.parent_span_id.hex() == PARENT.split("-")[2]
    assert request.kind == 2
    assert spans["execute_tool clock"].parent_span_id == spans["invoke_agent hello"].span_id
    assert spans["invoke_agent hello"].status.code == 2


async def test_traces_that_do_not_arrive_are_counted_and_shown(make_kernel, runs_plugin):
    tables = {
        "plugins": {
            "otlp": {
                "endpoint": "http://127.0.0.1:9",
                "protocol": "http/protobuf",
                "traces": True,
                "timeout_seconds": 0.5,
            }
        }
    }
    async with make_kernel([plugin, runs_plugin], tables=tables) as kernel:
        tracer = kernel.services.get(TraceSampler)
        await tracer.on_run(RunEnded(run=RUN))
        await tracer.flush()
        assert tracer.dropped == 4
        assert (await kernel.health()).components["otlp-traces"].state == "degraded"


async def test_without_traces_nothing_is_listened_to_and_nothing_loaded(make_kernel):
    from symbi.contracts.telemetry import RequestServed

    async with make_kernel([plugin]) as kernel:
        assert not kernel.events.wanted(RequestServed)


async def test_requests_begin_only_so_many_traces_and_runs_as_many_as_they_like(make_kernel, fake_clock):
    tables = {"plugins": {"otlp": {"endpoint": "http://127.0.0.1:9", "traces": True, "max_requests_per_second": 5}}}
    async with make_kernel([plugin], tables=tables, clock=fake_clock) as kernel:
        sampler = kernel.services.get(TraceSampler)
        taken = [sum(sampler.samples("ab" * 16, request=True) for _ in range(100))]
        await fake_clock.advance(0.5)
        taken.append(sum(sampler.samples("ab" * 16, request=True) for _ in range(100)))
        assert taken == [5, 2]
        assert all(sampler.samples("ab" * 16) for _ in range(100))
