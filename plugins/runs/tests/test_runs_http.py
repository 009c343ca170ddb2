"""The routes of runs and workflows over the whole application."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
async def app(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    from runs_stand_ins import StandIns

    from symbi.testing.apps import open_app

    tables = {"execution": {"executor": "inline", "grace_seconds": 0.5, "workflow_wait_seconds": 2.0}}
    world.add("a", "call_tool")
    world.add("bad", "fails_for_good")
    world.add("slow", "sleeps")
    async with open_app(tmp_path, ["symbi_runs.plugin", StandIns(world)], tables=tables) as opened:
        yield opened


@pytest.fixture(autouse=True)
def entries_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


async def ended(app: Any, run_id: str) -> dict[str, Any]:
    for _ in range(500):
        run: dict[str, Any] = (await app.client.get(f"/runs/{run_id}")).json()
        if run["completed_at"] is not None:
            return run
        await asyncio.sleep(0.01)
    raise AssertionError(run)


def parse(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


async def test_run_over_http_has_the_settled_shape(app: Any) -> None:
    started = await app.client.post("/runs", json={"agent": "a", "input": {}})
    assert started.status_code == 201
    run = await ended(app, started.json()["run_id"])
    assert set(run) == {
        "run_id", "agent_id", "agent", "status", "trigger", "schedule_id", "scheduled_for", "attempt", "input", "result", "error",
        "principal", "created_at", "started_at", "completed_at", "usage",
    }  # fmt: skip
    assert run["status"] == "completed"
    assert run["created_at"].endswith("Z")
    listed = (await app.client.get("/runs", params={"status": "completed"})).json()["runs"]
    assert [each["run_id"] for each in listed] == [run["run_id"]]


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "code"),
    [
        ("/runs/nothing", "GET", None, 404, "RUN_NOT_FOUND"),
        ("/runs/nothing/events", "GET", None, 404, "RUN_NOT_FOUND"),
        ("/runs/nothing/cancel", "POST", {}, 404, "RUN_NOT_FOUND"),
        ("/runs", "POST", {"agent": "nobody"}, 404, "AGENT_NOT_FOUND"),
        ("/runs", "POST", {}, 400, "INVALID_REQUEST"),
        ("/runs", "POST", {"agent": "a", "colour": 1}, 400, "INVALID_REQUEST"),
        ("/runs?status=glorious", "GET", None, 400, "INVALID_REQUEST"),
        ("/runs?limit=0", "GET", None, 400, "INVALID_REQUEST"),
        ("/workflows/execute", "POST", {"workflow_id": "nothing", "parameters": {}}, 404, "WORKFLOW_NOT_FOUND"),
    ],
)
async def test_errors_are_flat_json(app: Any, path: str, method: str, body: Any, status: int, code: str) -> None:
    answer = await app.client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"error", "code", "details"}


async def test_runs_need_a_credential(app: Any) -> None:
    for path in ("/runs", "/runs/x", "/runs/x/events"):
        assert (await app.anonymous.get(path)).status_code == 401
    assert (await app.anonymous.post("/runs", json={"agent": "a"})).status_code == 401


async def test_denied_start_is_403(app: Any, world: Any) -> None:
    world.deny.add("agent_execute::a")
    answer = await app.client.post("/runs", json={"agent": "a"})
    assert (answer.status_code, answer.json()["code"]) == (403, "POLICY_DENIED")


async def test_idempotency_key_starts_one_run(app: Any) -> None:
    """F-35."""
    headers = {"Idempotency-Key": "5f0c"}
    first = await app.client.post("/runs", json={"agent": "a"}, headers=headers)
    again = await app.client.post("/runs", json={"agent": "a"}, headers=headers)
    other = await app.client.post("/runs", json={"agent": "bad"}, headers=headers)
    assert first.json()["run_id"] == again.json()["run_id"]
    assert other.status_code == 422
    assert len((await app.client.get("/runs")).json()["runs"]) == 1


async def test_event_stream_has_snapshot_journal_and_end(app: Any) -> None:
    run_id = (await app.client.post("/runs", json={"agent": "a"})).json()["run_id"]
    await ended(app, run_id)
    answer = await app.client.get(f"/runs/{run_id}/events", headers={"accept": "text/event-stream"})
    events = parse(answer.text)
    assert [event["event"] for event in events] == [
        "snapshot",
        "queued",
        "claimed",
        "started",
        "gate",
        "effect",
        "completed",
        "end",
    ]
    assert [event.get("id") for event in events] == [None, "1", "2", "3", "4", "5", "6", None]
    assert events[-1]["data"]["status"] == "completed"
    rest = await app.client.get(f"/runs/{run_id}/events", headers={"accept": "text/event-stream", "last-event-id": "4"})
    assert [event["event"] for event in parse(rest.text)] == ["effect", "completed", "end"]
    plain = (await app.client.get(f"/runs/{run_id}/events")).json()
    assert [event["seq"] for event in plain["events"]] == [1, 2, 3, 4, 5, 6]
    assert (await app.client.get(f"/runs/{run_id}/events", headers={"last-event-id": "x"})).status_code == 400


async def test_event_stream_follows_until_the_end(app: Any) -> None:
    run_id = (await app.client.post("/runs", json={"agent": "slow"})).json()["run_id"]
    follow = asyncio.create_task(app.client.get(f"/runs/{run_id}/events", headers={"accept": "text/event-stream"}))
    await asyncio.sleep(0.2)
    assert not follow.done()
    answer = await app.client.post(f"/runs/{run_id}/cancel", json={"reason": "enough"})
    assert answer.json() == {"run_id": run_id, "action": "cancelled", "status": "ok"}
    events = parse((await asyncio.wait_for(follow, 5)).text)
    assert [event["event"] for event in events][-2:] == ["terminated", "end"]
    again = await app.client.post(f"/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "RUN_ENDED")


async def test_workflow_answers_with_the_real_result(app: Any, world: Any) -> None:
    answer = await app.client.post("/workflows/execute", json={"workflow_id": "a", "parameters": {}, "agent_id": None})
    assert answer.status_code == 200
    assert answer.json()["result"] == {"tool": "echo", "x": 1}
    assert answer.json()["status"] == "completed"


async def test_workflow_on_loopback_needs_no_token_but_a_sent_one_must_be_good(app: Any) -> None:
    body = {"workflow_id": "a", "parameters": {}}
    assert (await app.anonymous.post("/workflows/execute", json=body)).status_code == 200
    run = (await app.client.get("/runs")).json()["runs"][0]
    assert run["principal"] == "open:workflows"
    wrong = await app.anonymous.post(
        "/workflows/execute", json=body, headers={"authorization": "Bearer wrong-token-0123456789"}
    )
    assert wrong.status_code == 401


async def test_failed_workflow_is_an_error_and_names_its_run(app: Any) -> None:
    answer = await app.client.post("/workflows/execute", json={"workflow_id": "bad", "parameters": {}})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "WORKFLOW_EXECUTION_FAILED")
    assert body["details"]["run_id"]


async def test_long_workflow_is_answered_with_its_run(app: Any) -> None:
    answer = await app.client.post("/workflows/execute", json={"workflow_id": "slow", "parameters": {}})
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    with contextlib.suppress(Exception):
        await app.client.post(f"/runs/{answer.json()['run_id']}/cancel")


async def test_workflow_never_touches_the_agent_it_names(app: Any, world: Any) -> None:
    """F-09."""
    before = dict(world.agents)
    await app.client.post(
        "/workflows/execute", json={"workflow_id": "agent x { }", "parameters": {}, "agent_id": "id-a"}
    )
    assert world.agents == before


async def test_metrics_sources_and_health_are_there(app: Any) -> None:
    report = await app.kernel.health()
    assert "runs" in str(report)


async def test_text_from_a_stranger_cannot_stand_for_a_registered_agent(app: Any, world: Any) -> None:
    """Policies know agents by name; a text that is run once gets that name only from an administrator."""
    body = {"workflow_id": "call_tool{}", "parameters": {}}
    await app.anonymous.post("/workflows/execute", json=body)
    await app.client.post("/workflows/execute", json=body)
    names = [request.agent.name for request in world.requests if request.action == "tool_call"]
    assert names[0].startswith("adhoc:")
    assert names[1] == "adhoc"
