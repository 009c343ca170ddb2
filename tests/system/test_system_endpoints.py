"""Every endpoint of the seed and of runtime-api.md §1 as an outside judge sees it: keys, words, status codes, error bodies."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from typing import Any

import httpx
import pytest

DSL = 'metadata { version = "1.0" description = "d" }\nagent judge(name: string = "x") { with timeout = 10s { return "done " + name } }'
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
NOBODY = str(uuid.UUID(int=5))
DETAIL = {
    *("job_id", "name", "cron_expression", "timezone", "status", "enabled", "one_shot", "next_run", "last_run"),
    *("run_count", "failure_count", "created_at", "updated_at"),
}
JOB = {"job_id", "name", "cron_expression", "timezone", "status", "enabled", "next_run", "run_count"}
TOOL = {
    "tool_name": "adder",
    "tool_version": "1.0.0",
    "source_code": "def add(x: int, y: int) -> int:\n    return x + y\n",
    "metadata": {"description": "adds two numbers", "author": "ann", "permissions": []},
}


def problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Check a runtime error's body."""
    assert answer.status_code == status, (
        answer.request.method,
        str(answer.request.url),
        answer.status_code,
        answer.text,
    )
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error", "code", "details"} and isinstance(body["error"], str) and body["error"]
    assert re.fullmatch(r"[A-Za-z0-9_]+", body["code"]) and (
        body["details"] is None or isinstance(body["details"], dict)
    )
    assert code is None or body["code"] == code
    return dict(body)


def good(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def api(server) -> httpx.Client:
    return server.client


@pytest.fixture(scope="module")
def agent(api) -> Any:
    name = f"judge-{uuid.uuid4().hex[:8]}"
    created = good(api.post("/agents", json={"name": name, "dsl": DSL}))
    assert set(created) == {"id", "status"} and created["status"] == "created" and uuid.UUID(created["id"])
    yield {"id": created["id"], "name": name}
    assert good(api.delete(f"/agents/{created['id']}")) == {"id": created["id"], "status": "deleted"}
    problem(api.delete(f"/agents/{created['id']}"), 404)


@pytest.fixture(scope="module")
def job(api, agent) -> Any:
    body = {
        "name": "daily",
        "cron_expression": "0 0 9 * * *",
        "timezone": "America/New_York",
        "agent_name": agent["name"],
    }
    created = good(api.post("/schedules", json=body))
    assert (
        set(created) == {"job_id", "next_run", "status"}
        and created["status"] == "created"
        and TIME.match(created["next_run"])
    )
    yield created["job_id"]
    assert good(api.delete(f"/schedules/{created['job_id']}")) == {"job_id": created["job_id"], "deleted": True}
    problem(api.delete(f"/schedules/{created['job_id']}"), 404)


@pytest.fixture(scope="module")
def channel(api) -> Any:
    config = {"webhook_url": "https://hooks.slack.com/services/T0/B0/secretpart", "channel": "#general"}
    created = good(
        api.post("/channels", json={"name": f"c-{uuid.uuid4().hex[:6]}", "platform": "slack", "config": config})
    )
    assert set(created) == {"id", "name", "platform", "status"} and created["status"] == "registered"
    yield created["id"]
    assert good(api.delete(f"/channels/{created['id']}")) == {"id": created["id"], "deleted": True}


@pytest.fixture(scope="module")
def review(server) -> httpx.Client:
    command = [sys.executable, "-m", "symbi.cli", "review", "token", "--sub", "judge", "--scope"]
    made = subprocess.run(
        [*command, "tool:review tool:approve tool:audit"], cwd=server.folder, capture_output=True, text=True, check=True
    )
    return httpx.Client(
        base_url=f"{server.url}/api/v1", headers={"authorization": f"Bearer {made.stdout.strip()}"}, trust_env=False
    )


def test_health_metrics_and_status(server, api):
    for headers in ({}, {"authorization": "Bearer wrong-wrong"}):
        health = good(httpx.get(f"{server.url}/api/v1/health", headers=headers))
        assert set(health) >= {"status", "uptime_seconds", "timestamp", "version"} and health["status"] == "healthy"
        assert isinstance(health["uptime_seconds"], int) and TIME.match(health["timestamp"])
    assert httpx.get(f"{server.url}/api/v1/health/live").status_code == 200
    assert httpx.get(f"{server.url}/api/v1/health/ready").status_code == 200
    metrics = good(httpx.get(f"{server.url}/api/v1/metrics"))
    blocks = {
        "scheduler": "total_jobs active_jobs paused_jobs failed_jobs total_runs successful_runs dead_letter_count",
        "task_manager": "queued_tasks running_tasks completed_tasks failed_tasks",
        "load_balancer": "total_workers active_workers requests_per_second",
        "system": "cpu_usage_percent memory_usage_bytes memory_total_bytes uptime_seconds",
    }
    for block, names in blocks.items():
        assert set(metrics[block]) >= set(names.split()), block
        assert all(isinstance(metrics[block][name], int | float) for name in names.split())
    assert set(good(api.get("/status"))) >= {"version", "healthy", "agent_count", "schedule_count", "channel_count"}
    assert set(good(api.get("/health/scheduler"))) == set(
        "is_running store_accessible jobs_total jobs_active jobs_paused jobs_dead_letter global_active_runs max_concurrent "
        "runs_total runs_succeeded runs_failed average_execution_time_ms longest_run_ms".split()
    )
    assert (
        httpx.get(f"{server.url}/metrics", headers={"accept": "application/openmetrics-text"})
        .headers["content-type"]
        .startswith("application/openmetrics-text")
    )


def test_agents(api, agent):
    listed = good(api.get("/agents"))
    assert agent["id"] in listed and all(isinstance(each, str) for each in listed)
    status = good(api.get(f"/agents/{agent['id']}/status"))
    assert status["agent_id"] == agent["id"] and status["state"] == "ready" and TIME.match(status["last_activity"])
    assert set(status["resource_usage"]) >= {"memory_usage", "cpu_usage", "active_tasks"} and "scheduled_at" in status
    assert set(status["execution_context"]) >= {"execution_mode", "process_id", "uptime", "health_status"}
    assert status["execution_context"]["execution_mode"] == "ephemeral"
    assert status["execution_context"]["health_status"] == "healthy"
    assert good(api.put(f"/agents/{agent['id']}", json={"dsl": DSL})) == {"id": agent["id"], "status": "updated"}
    for body in ({}, {"name": ""}, {"dsl": ""}, {"dsl": "agent {"}, {"name": 5}, {"zzz": 1}):
        problem(api.put(f"/agents/{agent['id']}", json=body), 400)


def test_executions_reach_the_history_once_per_key(api, agent):
    headers = {"idempotency-key": str(uuid.uuid4())}
    started = good(api.post(f"/agents/{agent['id']}/execute", json={}, headers=headers))
    assert set(started) == {"execution_id", "status"} and started["status"] == "execution_started"
    assert good(api.post(f"/agents/{agent['id']}/execute", json={}, headers=headers)) == started
    problem(api.post(f"/agents/{agent['id']}/execute", json={"name": "b"}, headers=headers), 422)
    deadline = time.monotonic() + 30
    while True:
        history = good(api.get(f"/agents/{agent['id']}/history"))
        assert set(history) == {"history"}
        found = [each for each in history["history"] if each["execution_id"] == started["execution_id"]]
        assert len(found) == 1 and set(found[0]) == {"execution_id", "status", "timestamp"}
        if found[0]["status"] == "completed" or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert found[0]["status"] == "completed" and TIME.match(found[0]["timestamp"])
    run = good(api.get(f"/runs/{started['execution_id']}"))
    assert set(run) >= set(
        "run_id agent_id agent status trigger schedule_id scheduled_for attempt input result error principal created_at "
        "started_at completed_at usage".split()
    )
    assert run["result"] == "done x"
    problem(api.post(f"/runs/{started['execution_id']}/cancel"), 409)


def test_an_idle_agent_takes_no_heartbeat_and_no_event(api, agent):
    problem(api.post(f"/agents/{agent['id']}/heartbeat", json={"state": "Running"}), 409)
    problem(api.post(f"/agents/{agent['id']}/events", json={"event_type": "RunStarted", "payload": {}}), 409)


def test_workflows(server, api, agent):
    body = {"workflow_id": agent["name"], "parameters": {"name": "y"}, "agent_id": None}
    assert good(httpx.post(f"{server.url}/api/v1/workflows/execute", json=body, timeout=30))["result"] == "done y"
    problem(
        httpx.post(f"{server.url}/api/v1/workflows/execute", content=b"{}", headers={"content-type": "text/plain"}), 415
    )
    problem(api.post("/workflows/execute", json={"workflow_id": "no-such", "parameters": {}}), 404)
    problem(api.post("/workflows/execute", json={"parameters": {}}), 400)
    bad = {"authorization": "Bearer wrong-wrong"}
    problem(httpx.post(f"{server.url}/api/v1/workflows/execute", json=body, headers=bad), 401)
    problem(httpx.get(f"{server.url}/api/v1/metrics", headers={"host": "evil.example"}), 421)


def test_schedules(api, agent, job):
    listed = good(api.get("/schedules"))
    assert all(set(each) == JOB for each in listed)
    assert next(each for each in listed if each["job_id"] == job)["status"] == "active"
    assert set(good(api.get(f"/schedules/{job}"))) == DETAIL
    for action, word in (("pause", "paused"), ("resume", "resumed"), ("trigger", "triggered")):
        sent = {"content-type": "application/json"}
        answer = good(api.post(f"/schedules/{job}/{action}", headers=sent))
        assert answer == {"job_id": job, "action": word, "status": "ok"}
    changed = good(api.put(f"/schedules/{job}", json={"cron_expression": "0 */10 * * * *", "timezone": "UTC"}))
    assert set(changed) == DETAIL and changed["timezone"] == "UTC"
    for path in ("next", "next-runs"):
        coming = good(api.get(f"/schedules/{job}/{path}?count=3"))
        assert set(coming) == {"job_id", "next_runs"} and len(coming["next_runs"]) == 3
        assert all(TIME.match(each) for each in coming["next_runs"])
    deadline = time.monotonic() + 30
    while True:
        history = good(api.get(f"/schedules/{job}/history?limit=50"))
        done = [each for each in history["history"] if each["status"] == "completed"]
        if done or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert history["job_id"] == job and done
    assert set(done[0]) == {"run_id", "started_at", "completed_at", "status", "error", "execution_time_ms"}
    assert good(api.get(f"/runs/{done[0]['run_id']}"))["schedule_id"] == job


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"cron_expression": "0 9 * * *"}, 400),
        ({"cron_expression": "0 0 25 * * *"}, 400),
        ({"timezone": "Mars/Olympus"}, 400),
        ({"name": None}, 400),
        ({"agent_name": "no-such"}, 404),
        ({"one_shot": "perhaps"}, 400),
        ({"policy_ids": "p"}, 400),
    ],
)
def test_wrong_schedules(api, agent, change, status):
    body = {"name": "w", "cron_expression": "0 0 9 * * *", "agent_name": agent["name"], **change}
    problem(api.post("/schedules", json={name: value for name, value in body.items() if value is not None}), status)


def test_channels(api, channel):
    assert all(set(each) == {"id", "name", "platform", "status"} for each in good(api.get("/channels")))
    detail = {"id", "name", "platform", "status", "config", "created_at", "updated_at"}
    shown = api.get(f"/channels/{channel}")
    assert set(good(shown)) == detail and "secretpart" not in shown.text
    assert set(good(api.put(f"/channels/{channel}", json={}))) == detail
    for action, word, status in (("start", "started", "running"), ("stop", "stopped", "stopped")):
        assert good(api.post(f"/channels/{channel}/{action}")) == {"id": channel, "action": word, "status": "ok"}
        assert good(api.get(f"/channels/{channel}"))["status"] == status
    assert set(good(api.get(f"/channels/{channel}/health"))) == set(
        "id connected platform workspace_name channels_active last_message_at uptime_secs".split()
    )
    person = {"platform_user_id": "U1", "symbiont_user_id": "a", "display_name": "A", "roles": ["user"]}
    mapping = set("platform_user_id platform symbiont_user_id email display_name roles verified created_at".split())
    assert set(good(api.post(f"/channels/{channel}/mappings", json=person))) == mapping
    assert [set(each) for each in good(api.get(f"/channels/{channel}/mappings"))] == [mapping]
    assert api.delete(f"/channels/{channel}/mappings/U1").status_code == 204
    problem(api.delete(f"/channels/{channel}/mappings/U1"), 404)
    audit = good(api.get(f"/channels/{channel}/audit?limit=50"))
    assert set(audit) == {"channel_id", "entries"} and audit["entries"]
    assert all(
        set(each) == {"timestamp", "event_type", "user_id", "channel_id", "agent", "details"}
        for each in audit["entries"]
    )
    problem(api.post(f"/channels/{channel}/messages", json={"text": "hi"}), 409)
    for body in (
        {},
        {"name": "x"},
        {"name": "x", "platform": "icq", "config": {}},
        {"name": "x", "platform": "slack", "config": 1},
    ):
        problem(api.post("/channels", json=body), 400)


def test_plugins_approvals_policy_and_scan(api):
    plugins = good(api.get("/plugins"))
    listed = plugins if isinstance(plugins, list) else plugins["plugins"]
    assert {each["name"] for each in listed} >= {"agents", "runs", "scheduler", "policy"}
    assert {each["state"] for each in listed} == {"ready"}
    assert good(api.get("/approvals")) == []
    decided = good(api.post("/policy/evaluate", json={"tool": "clock", "agent": "hello"}))
    assert decided["decision"] in ("allow", "deny") and {"decision", "reason", "policies", "errors"} <= set(decided)
    found = good(api.post("/scan", json={"content": "curl http://x | sh"}))
    assert found["passed"] is False and found["findings"][0]["rule"] == "pipe-to-shell" and found["scanned_files"] == 1
    assert good(api.post("/scan", json={"content": "good morning"}))["passed"] is True
    problem(api.post("/scan", json={}), 400)
    assert len(good(api.get("/scan/rules"))["rules"]) >= 40


def test_tool_review(review):
    made = review.post("/sessions", json=TOOL)
    body = good(made, 201)
    assert (
        {"review_id", "status", "created_at"} <= set(body)
        and body["status"] == "submitted"
        and made.headers["location"]
    )
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(made.headers)
    ident = body["review_id"]
    deadline = time.monotonic() + 30
    while (shown := good(review.get(f"/sessions/{ident}")))["status"] != "signed" and time.monotonic() < deadline:
        time.sleep(0.5)
    assert shown["status"] == "signed"
    assert set(shown) >= {
        "review_id",
        "tool_name",
        "tool_version",
        "status",
        "analysis_results",
        "created_at",
        "updated_at",
    }
    assert set(shown["analysis_results"]) >= {"risk_score", "findings", "recommendations"}
    analysis = good(review.get(f"/analysis/{shown['analysis_id']}"))
    assert set(analysis) >= set(
        "analysis_id review_id risk_score analysis_type findings rag_insights completed_at".split()
    )
    listed = good(review.get("/sessions?page=1&limit=5&status=signed&author=ann"))
    assert set(listed["pagination"]) == {"page", "limit", "total", "has_next"}
    assert set(listed["sessions"][0]) >= {"review_id", "tool_name", "status", "created_at", "updated_at"}
    queue = good(review.get("/review/queue"))
    assert queue["pending_reviews"] == [] and set(queue["queue_stats"]) >= {
        "total_pending",
        "high_priority",
        "average_wait_time",
    }
    signing = good(review.get(f"/signing/{ident}"))
    assert signing["signing_status"] == "completed" and signing["certificate_chain"]
    assert set(signing["signature_info"]) >= {"algorithm", "key_id", "signature", "signed_at"}
    assert review.get(f"/signing/{ident}/download").content[:2] == b"PK"
    stats = good(review.get("/stats"))
    assert set(stats) >= {"workflow_stats", "performance_metrics", "security_insights"}
    assert set(stats["workflow_stats"]) >= {"total_reviews", "approved", "rejected", "pending"}


def test_tool_review_errors(review, server):
    def nested(answer: httpx.Response, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert set(answer.json()["error"]) == {"code", "message", "details"}
        return dict(answer.json()["error"])

    without = {name: value for name, value in TOOL.items() if name != "source_code"}
    error = nested(review.post("/sessions", json=without), 400)
    assert error["code"] == "INVALID_REQUEST" and error["message"] == "Tool source code is required"
    assert error["details"]["field"] == "source_code" and error["details"]["reason"] == "missing_required_field"
    nested(review.post("/sessions", content=b"{", headers={"content-type": "application/json"}), 400)
    for path in ("sessions/{}", "analysis/{}", "signing/{}", "signing/{}/download"):
        nested(review.get("/" + path.format(NOBODY)), 404)
    nested(
        review.post(
            f"/review/{NOBODY}/decision", json={"decision": "approve", "comments": "c", "reviewer_id": "judge"}
        ),
        404,
    )
    for query in ("limit=0", "limit=1001", "page=0", "limit=x", f"page={'9' * 30}"):
        nested(review.get(f"/sessions?{query}"), 400)
    nested(httpx.get(f"{server.url}/api/v1/sessions"), 401)
    nested(httpx.get(f"{server.url}/api/v1/stats", headers={"authorization": "Bearer a.b.c"}), 401)
    nested(review.delete("/sessions"), 405)


UNKNOWN = [
    *[("GET", f"/agents/{{}}{tail}") for tail in ("", "/status", "/history")],
    *[("POST", f"/agents/{{}}/{tail}") for tail in ("execute", "heartbeat")],
    *[("DELETE", f"/{kind}/{{}}") for kind in ("agents", "schedules", "channels", "calendars")],
    *[("GET", f"/schedules/{{}}{tail}") for tail in ("", "/history", "/next", "/next-runs")],
    *[("POST", f"/schedules/{{}}/{tail}") for tail in ("pause", "resume", "trigger")],
    *[("GET", f"/channels/{{}}{tail}") for tail in ("", "/health", "/mappings", "/audit")],
    *[("POST", f"/channels/{{}}/{tail}") for tail in ("start", "stop")],
    *[
        ("GET", f"/{kind}")
        for kind in ("approvals/{}", "runs/{}", "runs/{}/events", "messages/{}/status", "no/such/{}")
    ],
    *[("POST", f"/{kind}") for kind in ("approvals/{}/approve", "approvals/{}/deny", "runs/{}/cancel")],
    ("DELETE", "/channels/{}/mappings/U1"),
]


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_an_unknown_id_is_404(api, method, path):
    for ident in (NOBODY, "no-such", "9" * 40, "x" * 300, "%F0%9F%98%80", "a%00b"):
        problem(api.request(method, path.format(ident)), 404)


def test_an_unknown_id_with_a_good_body_is_404(api):
    problem(api.put(f"/agents/{NOBODY}", json={"name": "n"}), 404)
    problem(api.post(f"/agents/{NOBODY}/events", json={"event_type": "e", "payload": {}}), 404)
    problem(api.put(f"/schedules/{NOBODY}", json={"timezone": "UTC"}), 404)
    problem(api.put(f"/channels/{NOBODY}", json={"config": {}}), 404)
    problem(api.post(f"/channels/{NOBODY}/messages", json={"text": "t"}), 404)
    problem(api.post("/runs", json={"agent": NOBODY}), 404)


BODIES = ["/agents", "/schedules", "/channels", "/workflows/execute", "/scan", "/policy/evaluate", "/runs"]
TYPED = {"content-type": "application/json"}


@pytest.mark.parametrize("path", BODIES)
def test_a_bad_body_is_400(api, path):
    for content in (
        b"{",
        b"[]",
        b'"x"',
        b"nul",
        b"",
        b"[" * 20000,
        b'{"name":"\xff"}',
        b'{"name":1e999999}',
        b'{"a":"\\ud800"}',
    ):
        answer = api.post(path, content=content, headers=TYPED)
        if path == "/policy/evaluate" and answer.status_code == 200:
            assert answer.json()["decision"] == "deny"
            continue
        problem(answer, 400)


@pytest.mark.parametrize("path", BODIES)
def test_the_wrong_type_size_and_method(api, path):
    problem(api.post(path, content=b"hello", headers={"content-type": "text/plain"}), 415)
    problem(api.post(path, content=b'{"a":"' + b"x" * (12 << 20) + b'"}', headers=TYPED), 413)
    refused = api.patch(path)
    problem(refused, 405)
    assert "POST" in refused.headers["allow"]


LIMITS = ["/agents/{agent}/history?limit=", "/schedules/{job}/history?limit=", "/schedules/{job}/next?count="]
LIMITS += ["/channels/{channel}/audit?limit=", "/runs?limit=", "/audit?limit="]


@pytest.mark.parametrize("path", LIMITS)
def test_bounds_of_query_parameters(api, agent, job, channel, path):
    path = path.format(agent=agent["id"], job=job, channel=channel)
    assert api.get(f"{path}1000").status_code == 200
    for value in ("0", "1001", "text", "", "-1", "1.5", "9" * 25, "%F0%9F%98%80"):
        problem(api.get(path + value), 400)


@pytest.mark.parametrize("query", ["before=99999999999999999999999", "before=-1", "before=x", "status=purple"])
def test_other_parameters_of_runs(api, query):
    problem(api.get(f"/runs?{query}"), 400)


def test_a_missing_parameter_is_named(api):
    assert problem(api.get("/context/memories"), 400)["details"]["field"] == "agent"


CLOSED = [
    "/agents",
    "/schedules",
    "/channels",
    "/health/scheduler",
    "/status",
    "/approvals",
    "/runs",
    "/plugins",
    "/policy",
]


@pytest.mark.parametrize("path", [*CLOSED, "/audit", "/tools", "/skills", f"/agents/{NOBODY}/status"])
def test_without_a_valid_token_nothing_is_told(server, path):
    for value in (
        None,
        "Bearer wrong-wrong",
        "Bearer",
        "Basic abc",
        f"Bearer {server.token}x",
        b"Bearer \xff",
        "Bearer a.b",
    ):
        headers = {} if value is None else {"authorization": value}
        answer = httpx.get(f"{server.url}/api/v1{path}", headers=headers)
        problem(answer, 401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_scoped_key_reaches_its_own_agent_only(project, start_server):
    first = start_server(project)
    own, other = (
        good(first.client.post("/agents", json={"name": name, "dsl": DSL}))["id"] for name in ("own", "other")
    )
    command = [sys.executable, "-m", "symbi.cli", "keys", "create", "--agent", own, "--json"]
    made = json.loads(subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout)
    client = httpx.Client(
        base_url=f"{first.url}/api/v1", headers={"authorization": f"Bearer {made['key']}"}, trust_env=False, timeout=30
    )
    deadline = time.monotonic() + 15
    while (answer := client.get("/agents")).status_code == 401 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert good(answer) == [own]
    good(client.get(f"/agents/{own}/status"))
    for method, path, body in [
        ("GET", f"/agents/{other}/status", None),
        ("POST", f"/agents/{other}/execute", {}),
        ("POST", "/agents", {"name": "n", "dsl": DSL}),
        ("DELETE", f"/agents/{own}", None),
        ("GET", "/schedules", None),
        ("GET", "/channels", None),
        ("GET", "/approvals", None),
        ("POST", f"/approvals/{NOBODY}/approve", {}),
        ("GET", "/status", None),
        ("GET", "/plugins", None),
    ]:
        problem(client.request(method, path, json=body), 403)
    problem(first.client.get("/agents"), 401)
