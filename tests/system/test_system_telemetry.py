"""Telemetry of a real server, end to end: one trace from a caller's request through the run to its effects, metrics beside it, a quick end."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SETTINGS = """
[metrics]
exporters = ["file", "otlp"]
interval_seconds = {interval}

[plugins.otlp]
endpoint = "{endpoint}"
protocol = "http/protobuf"
traces = true
"""


class Receiver:
    """An OTLP receiver on loopback; `hang` makes it answer only after that many seconds."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.hang = 0.0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
                receiver.requests.append((self.path, body))
                time.sleep(receiver.hang)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> dict[str, object]:
        return {
            span.name: span
            for path, body in self.requests
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    def metrics(self) -> dict[str, object]:
        return {
            metric.name: metric
            for path, body in self.requests
            if path == "/v1/metrics"
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


def set_up(project, endpoint, interval=1):
    with (project / "symbi.toml").open("a") as file:
        file.write(SETTINGS.format(endpoint=endpoint, interval=interval))


def values(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_one_trace_from_the_callers_request_to_the_effects(project, start_server, receiver):
    set_up(project, receiver.endpoint)
    server = start_server(project, "--log-json", "--log-level", "info")
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "x-request-id": "order-66"}
    answer = server.client.post(
        "/workflows/execute", json={"workflow_id": "hello", "parameters": {"name": "Ada"}}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    run_id = server.client.get("/runs").json()["runs"][0]["run_id"]
    time.sleep(1.2)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5

    spans = receiver.spans()
    request, run = spans["POST /api/v1/workflows/execute"], spans["invoke_agent hello"]
    tool, denied = spans["execute_tool clock"], spans["execute_tool http_get"]
    assert {span.trace_id.hex() for span in (request, run, tool, denied)} == {TRACE}
    assert request.parent_span_id.hex() == CALLER
    assert run.parent_span_id == request.span_id
    assert tool.parent_span_id == denied.parent_span_id == run.span_id
    assert values(run)["gen_ai.operation.name"] == "invoke_agent"
    assert values(run)["symbi.run.id"] == run_id
    assert values(tool)["gen_ai.tool.name"] == "clock"
    assert [event.name for event in denied.events] == ["symbi.policy.decided"]
    assert denied.status.code == 2

    metrics = receiver.metrics()
    for name in (
        "symbi.task.executions",
        "symbi.run.duration",
        "http.server.request.duration",
        "process.memory.usage",
        "symbi.metrics.exports",
    ):
        assert name in metrics
    written = json.loads((project / ".symbi" / "metrics.json").read_text())
    assert written["task_manager"]["completed_tasks"] == 1
    assert (written["total_agents"], written["active_agents"]) == (1, 0)
    log = [json.loads(line) for line in (project / "server.log").read_text().splitlines() if line.startswith("{")]
    access = next(each for each in log if "/workflows/execute" in each["message"])
    assert (access["request_id"], access["trace_id"]) == ("order-66", TRACE)


@pytest.mark.parametrize("fault", ["dead", "slow"])
def test_a_collector_that_fails_costs_no_request_and_no_time_at_the_end(project, start_server, receiver, fault):
    receiver.hang = 30.0
    set_up(project, "http://127.0.0.1:9" if fault == "dead" else receiver.endpoint)
    server = start_server(project)
    time.sleep(1.0)
    took = []
    for _ in range(50):
        began = time.monotonic()
        assert server.client.get("/agents").status_code == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[25] < 0.1
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 3 + 2  # two seconds for everything else that closes


def test_the_published_alerts_and_the_scrape_pass_promtool(server):
    import shutil
    import subprocess
    from pathlib import Path

    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    text = server.client.get(f"{server.url}/metrics", headers={"accept": "text/plain"}).text
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    errors = [
        line for line in (checked.stdout + checked.stderr).splitlines() if "non-histogram and non-summary" not in line
    ]
    assert checked.returncode in (0, 3), errors
    rules = Path(__file__).parents[2] / "examples" / "prometheus" / "symbi-alerts.yml"
    subprocess.run([promtool, "check", "rules", str(rules)], check=True, capture_output=True)
    names = set(
        re.findall(
            r"\b((?:symbi|http|process|system|gen_ai)_\w+)",
            "\n".join(line for line in rules.read_text().splitlines() if "expr:" in line),
        )
    )
    assert len(names) >= 8
