"""The Python SDK that nobody here wrote, against a real server (runtime-api.md §6)."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

DSL = 'metadata { version = "1.0" description = "d" }\nagent sdk { capabilities = ["clock"]\n with timeout = 10.seconds { return "done"; } }'


@pytest.fixture
def sdk(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMBIONT_AUTH_JWT_SECRET_KEY", "any text that is long enough for the client")
    from symbiont import Client

    client = Client(api_key=server.token, base_url=f"{server.url}/api/v1")
    client.config.max_retries = 0
    return client


@pytest.fixture
def agent_id(server):
    found = server.client.post("/agents", json={"name": f"sdk-{uuid.uuid4().hex[:8]}", "dsl": DSL}).json()["id"]
    yield found
    server.client.delete(f"/agents/{found}")


def test_health_status_and_metrics(sdk):
    assert sdk.health_check().status == "healthy"
    assert sdk.get_status().healthy is True
    metrics = sdk.get_metrics()
    assert metrics.memory_usage_bytes > 0
    assert "scheduler" in sdk.metrics_client.get_metrics()


def test_agents_are_created_listed_run_and_deleted(sdk, server):
    from symbiont import Agent

    fields = {
        "id": "x",
        "name": f"made-{uuid.uuid4().hex[:6]}",
        "description": "d",
        "system_prompt": "You are kind.",
        "tools": [],
        "model": "m",
        "temperature": 0.5,
        "top_p": 1.0,
        "max_tokens": 10,
    }
    made = sdk.create_agent(Agent(**fields))
    assert made["status"] == "created"
    assert made["id"] in sdk.list_agents()
    assert sdk.delete_agent(made["id"])["status"] == "deleted"
    assert made["id"] not in sdk.list_agents()


def test_execution_answers_and_history_tells_the_outcome(sdk, server, agent_id):
    started = sdk.execute_agent(agent_id)
    assert started["status"] == "execution_started"
    for _ in range(100):
        history = server.client.get(f"/agents/{agent_id}/history").json()["history"]
        if history and history[0]["status"] not in ("queued", "claimed", "running"):
            break
        import time

        time.sleep(0.1)
    assert history[0]["execution_id"] == started["execution_id"]
    assert history[0]["status"] == "completed"


def test_agent_status_fails_as_documented_for_the_seeds_words(sdk, agent_id):
    with pytest.raises(Exception, match="ready|state"):
        sdk.get_agent_status(agent_id)


def test_workflows_answer_their_result(sdk, server, agent_id):
    assert sdk.execute_workflow({"workflow_id": agent_id, "parameters": {}})["result"] == "done"


def test_messages(sdk, agent_id):
    message_id = sdk.send_message(
        agent_id, sender=agent_id, payload="hello", ttl_seconds=60, topic="news", agentpin_jwt="ignored"
    )["message_id"]
    assert sdk.get_message_status(message_id)["status"] == "pending"
    assert sdk.receive_messages(agent_id)["messages"][0]["payload"] == "hello"
    assert sdk.get_message_status(message_id)["status"] == "delivered"


def test_heartbeats_and_events_of_an_external_agent(sdk, server):
    external = server.client.post(
        "/agents", json={"name": "ext", "execution_mode": {"External": {"heartbeat_interval_secs": 60}}}
    ).json()["id"]
    sdk.send_heartbeat(external, "Running", metadata={"v": "1"}, last_result="ok")
    sdk.push_agent_event(external, "RunStarted", {"a": 1})
    status = server.client.get(f"/agents/{external}/status").json()
    assert (status["state"], status["last_result"], status["recent_events"][0]["event_type"]) == (
        "running",
        "ok",
        "RunStarted",
    )


def test_schedules_with_exact_keys(sdk, server, agent_id):
    from symbiont.schedules import CreateScheduleRequest, UpdateScheduleRequest

    name = next(
        agent["name"]
        for agent in server.client.get("/agents", params={"detail": "true"}).json()
        if agent["id"] == agent_id
    )
    schedules = sdk.schedules
    made = schedules.create_schedule(
        CreateScheduleRequest(name="nightly", cron_expression="0 0 3 * * *", agent_name=name)
    )
    assert made.status == "created"
    assert any(each.job_id == made.job_id for each in schedules.list_schedules())
    assert schedules.get_schedule(made.job_id).one_shot is False
    assert (
        schedules.update_schedule(made.job_id, UpdateScheduleRequest(timezone="Europe/Berlin")).timezone
        == "Europe/Berlin"
    )
    assert len(schedules.get_schedule_next_runs(made.job_id, count=3).next_runs) == 3
    assert schedules.pause_schedule(made.job_id).action == "paused"
    assert schedules.resume_schedule(made.job_id).status == "ok"
    assert schedules.trigger_schedule(made.job_id).job_id == made.job_id
    assert schedules.get_schedule_history(made.job_id).job_id == made.job_id
    assert schedules.get_scheduler_health().is_running is True
    assert schedules.delete_schedule(made.job_id).deleted is True
