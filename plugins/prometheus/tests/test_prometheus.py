"""The text is what a real parser and promtool take, and says what happened."""

from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from symbi.contracts.metrics import Instrument, Point
from symbi.testing.exporters import ExporterContract, a_snapshot
from symbi_prometheus import plugin
from symbi_prometheus.exposition import expose


class TestTextfile(ExporterContract):
    """Everything an exporter must do."""

    plugin = plugin
    name = "textfile"


def snapshot(*instruments):
    import msgspec

    return msgspec.structs.replace(a_snapshot(), instruments=instruments)


HISTOGRAM = Instrument(
    name="symbi.run.duration", kind="histogram", unit="s", description="How long\nruns take.", bounds=(0.1, 1.0),
    points=(Point(attributes={"symbi.run.outcome": 'od"d\\value\n'}, count=6, sum=7.5, buckets=(1, 2, 3)),),
)  # fmt: skip
COUNTER = Instrument(
    name="symbi.policy.decisions",
    kind="counter",
    unit="{decision}",
    description="Decisions.",
    points=(Point(attributes={"symbi.policy.decision": "deny"}, value=3),),
)


@pytest.mark.parametrize("openmetrics", [True, False])
def test_a_real_parser_takes_it(openmetrics):
    text = expose(snapshot(HISTOGRAM, COUNTER), version="1", openmetrics=openmetrics)
    families = {family.name: family for family in (parse_openmetrics if openmetrics else parse_text)(text)}
    run = families["symbi_run_duration_seconds"]
    assert run.type == "histogram"
    buckets = {sample.labels["le"]: sample.value for sample in run.samples if sample.name.endswith("_bucket")}
    assert buckets == {"0.1": 1, "1.0" if openmetrics and "1.0" in buckets else "1": 3, "+Inf": 6}
    assert all(sample.labels["symbi_run_outcome"] == 'od"d\\value\n' for sample in run.samples)
    decisions = families["symbi_policy_decisions"]
    assert [sample.value for sample in decisions.samples if sample.name == "symbi_policy_decisions_total"] == [3]


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool comes with Debian's package prometheus, which .ci/run installs"
)
def test_promtool_finds_nothing_to_say():
    text = expose(snapshot(HISTOGRAM, COUNTER), version="1", openmetrics=False)
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


async def test_a_real_scrape(make_app):
    async with make_app(["symbi_metrics.plugin", plugin]) as app:
        await app.client.get("/api/v1/health/live")
        await asyncio.sleep(0.05)
        for _ in range(3):
            await app.client.get("http://127.0.0.1:8080/api/v1/health")
        await asyncio.sleep(0.05)
        answer = await app.anonymous.get(
            "http://127.0.0.1:8080/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0,text/plain"}
        )
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        families = {family.name: family for family in parse_openmetrics(answer.text)}
        requests = families["http_server_request_duration_seconds"]
        count = sum(
            sample.value
            for sample in requests.samples
            if sample.name.endswith("_count") and sample.labels["http_route"] == "/api/v1/health"
        )
        assert count == 3
        assert families["system_memory_limit_bytes"].samples[0].value > 0
        plain = await app.anonymous.get("http://127.0.0.1:8080/metrics")
        assert plain.headers["content-type"].startswith("text/plain")
        assert list(parse_text(plain.text))
        assert (
            await app.anonymous.get("http://127.0.0.1:8080/metrics", headers={"authorization": "Bearer no"})
        ).status_code == 401
