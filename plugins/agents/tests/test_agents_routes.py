"""The routes of agents, as the seed and runtime-api.md §1.3 have them."""

from __future__ import annotations

import pytest

DSL = "agent hello {}"


async def create(app, name="my-agent", dsl=DSL, **more):
    answer = await app.client.post("/agents", json={"name": name, "dsl": dsl, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def test_create_list_show_update_delete(agents_app, runs):
    async with agents_app() as app:
        agent_id = await create(app)
        assert (await app.client.get("/agents")).json() == [agent_id]
        detail = (await app.client.get("/agents", params={"detail": "true"})).json()[0]
        assert (detail["name"], detail["agent"], detail["state"]) == ("my-agent", "hello", "ready")
        answer = await app.client.put(f"/agents/{agent_id}", json={"name": "other", "dsl": "agent bye {}"})
        assert answer.json() == {"id": agent_id, "status": "updated"}
        shown = (await app.client.get(f"/agents/{agent_id}")).json()
        assert (shown["name"], shown["agent"], shown["dsl"]) == ("other", "bye", "agent bye {}")
        assert (await app.client.delete(f"/agents/{agent_id}")).json() == {"id": agent_id, "status": "deleted"}
        assert runs.stopped == [agent_id]
        assert (await app.client.delete(f"/agents/{agent_id}")).status_code == 404
        assert (await app.client.get("/agents")).json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("put", ""),
        ("delete", ""),
        ("get", "/status"),
        ("post", "/execute"),
        ("get", "/history"),
        ("post", "/heartbeat"),
        ("post", "/events"),
    ],
)
async def test_an_unknown_agent_is_404_everywhere(agents_app, method, path):
    async with agents_app() as app:
        body = {"json": {"name": "x", "event_type": "y"}} if method in ("put", "post") else {}
        answer = await getattr(app.client, method)(f"/agents/00000000-0000-4000-8000-000000000000{path}", **body)
        assert answer.status_code == 404
        assert answer.json()["code"] == "AGENT_NOT_FOUND"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "dsl"),
        ({"dsl": DSL}, "name"),
        ({"name": "", "dsl": DSL}, "name"),
        ({"name": "x", "dsl": "  "}, "dsl"),
        ({"name": 5, "dsl": DSL}, "name"),
    ],
)
async def test_a_bad_body_is_400_and_names_the_field(agents_app, body, field):
    async with agents_app() as app:
        answer = await app.client.post("/agents", json=body)
        assert answer.status_code == 400
        assert field in answer.text


async def test_a_definition_that_does_not_parse_is_400_with_line_column_and_hint(agents_app):
    async with agents_app() as app:
        answer = await app.client.post("/agents", json={"name": "x", "dsl": "agent x {\n!}"})
        assert answer.status_code == 400
        body = answer.json()
        assert body["code"] == "DSL_PARSE_ERROR"
        diagnostic = body["details"]["diagnostics"][0]
        assert (diagnostic["line"], diagnostic["column"], diagnostic["hint"]) == (2, 1, "remove it")
        assert (await app.client.get("/agents")).json() == []


async def test_update_needs_a_field_and_refuses_bad_ones(agents_app):
    async with agents_app() as app:
        agent_id = await create(app)
        for body in ({}, {"name": ""}, {"dsl": ""}, {"dsl": "!"}):
            assert (await app.client.put(f"/agents/{agent_id}", json=body)).status_code == 400
        assert (await app.client.get(f"/agents/{agent_id}")).json()["dsl"] == DSL


async def test_what_the_sdks_send_in_the_place_of_a_definition_is_taken(agents_app):
    async with agents_app() as app:
        answer = await app.client.post(
            "/agents",
            json={
                "id": "mine",
                "name": "sdk agent",
                "description": "d",
                "system_prompt": "be kind",
                "tools": ["clock"],
                "model": "m",
                "temperature": 0.7,
                "top_p": 1.0,
                "max_tokens": 5,
            },
        )
        assert answer.status_code == 200
        assert "be kind" in answer.json()["dsl"]
        assert (await app.client.post("/agents", json={"name": "js", "dslSource": DSL})).status_code == 200


async def test_status_has_the_seeds_shape_and_real_measurements(agents_app, runs, a_live_run, a_run):
    async with agents_app() as app:
        agent_id = await create(app)
        idle = (await app.client.get(f"/agents/{agent_id}/status")).json()
        assert idle["state"] == "ready"
        assert idle["resource_usage"] == {
            "memory_usage": None,
            "cpu_usage": None,
            "active_tasks": 0,
            "memory_bytes": None,
            "cpu_percent": None,
        }
        runs.live_runs, runs.past = [a_live_run()], [a_run(status="running")]
        busy = (await app.client.get(f"/agents/{agent_id}/status")).json()
        assert busy["state"] == "running"
        assert busy["resource_usage"]["memory_usage"] == 268435456
        assert busy["resource_usage"]["cpu_usage"] == 15.5
        assert busy["execution_context"]["process_id"] == 12345
        assert busy["execution_context"]["health_status"] == "healthy"
        hours, minutes, seconds = busy["execution_context"]["uptime"].split(":")
        assert len(minutes) == len(seconds) == 2
        assert int(hours) > 0
        for status, state in (
            ("completed", "completed"),
            ("failed", "failed"),
            ("lost", "failed"),
            ("terminated", "terminated"),
        ):
            runs.live_runs, runs.past = [], [a_run(status=status)]
            assert (await app.client.get(f"/agents/{agent_id}/status")).json()["state"] == state
        runs.live_runs = [a_live_run(status="queued", pid=None)]
        assert (await app.client.get(f"/agents/{agent_id}/status")).json()["state"] == "waiting"


async def test_execute_starts_a_run_and_history_tells_real_outcomes(agents_app, runs, a_run):
    async with agents_app() as app:
        agent_id = await create(app)
        answer = await app.client.post(f"/agents/{agent_id}/execute", json={})
        assert answer.json() == {"execution_id": "run-1", "status": "execution_started"}
        assert (await app.client.post(f"/agents/{agent_id}/execute")).status_code == 200
        await app.client.post(
            f"/agents/{agent_id}/execute", json={"parameters": {"a": 1}, "priority": "high", "timeout": 5}
        )
        assert runs.started[-1][1] == {"a": 1}
        assert runs.started[-1][3].priority == "high"
        runs.past = [a_run(run_id="r2", status="failed", completed_at=5000), a_run(run_id="r1")]
        history = (await app.client.get(f"/agents/{agent_id}/history")).json()["history"]
        assert history[0] == {"execution_id": "r2", "status": "failed", "timestamp": "1970-01-01T00:00:05Z"}
        for limit in (0, 1001, "x"):
            assert (await app.client.get(f"/agents/{agent_id}/history", params={"limit": limit})).status_code == 400


async def test_the_same_idempotency_key_starts_one_run(agents_app, runs):
    async with agents_app() as app:
        agent_id = await create(app)
        for _ in range(3):
            answer = await app.client.post(f"/agents/{agent_id}/execute", json={}, headers={"idempotency-key": "k1"})
            assert answer.status_code == 200
        assert len(runs.started) == 1
        other = await app.client.post(
            f"/agents/{agent_id}/execute", json={"parameters": 1}, headers={"idempotency-key": "k1"}
        )
        assert other.status_code == 422


async def test_heartbeats_of_running_and_external_agents(agents_app, runs, a_live_run, fake_clock):
    async with agents_app(clock=fake_clock) as app:
        agent_id = await create(app)
        assert (await app.client.post(f"/agents/{agent_id}/heartbeat", json={"state": "Running"})).status_code == 409
        runs.live_runs = [a_live_run()]
        assert (await app.client.post(f"/agents/{agent_id}/heartbeat")).status_code == 200
        external = await create(
            app,
            "ext",
            "",
            execution_mode={"External": {"endpoint": None, "agentpin_domain": None, "heartbeat_interval_secs": 10}},
        )
        runs.live_runs = []
        status = f"/agents/{external}/status"
        assert (await app.client.get(status)).json()["state"] == "ready"
        await app.client.post(
            f"/agents/{external}/heartbeat", json={"state": "Running", "metadata": {"v": "1"}, "last_result": "ok"}
        )
        answer = (await app.client.get(status)).json()
        assert (answer["state"], answer["metadata"], answer["last_result"]) == ("running", {"v": "1"}, "ok")
        await fake_clock.advance(31)
        assert (await app.client.get(status)).json()["state"] == "unreachable"
        await app.client.post(f"/agents/{external}/heartbeat", json={"state": "completed", "metadata": {"w": "2"}})
        await fake_clock.advance(1000)
        answer = (await app.client.get(status)).json()
        assert (answer["state"], answer["metadata"], answer["last_result"]) == ("completed", {"v": "1", "w": "2"}, "ok")


@pytest.mark.parametrize(
    "body", [{"state": "flying"}, {"metadata": {"a": 1}}, {"metadata": {"a": "x" * 5000}}, {"last_result": 5}]
)
async def test_a_bad_heartbeat_is_refused(agents_app, runs, a_live_run, body):
    runs.live_runs = [a_live_run()]
    async with agents_app() as app:
        external = await create(app, "ext", "", execution_mode="External")
        answer = await app.client.post(f"/agents/{external}/heartbeat", json=body)
        assert answer.status_code in (400, 413)


@pytest.mark.parametrize("interval", [0, -1, 2**63, "x", 1.5, True])
async def test_heartbeat_intervals_are_bounded(agents_app, interval):
    async with agents_app() as app:
        answer = await app.client.post(
            "/agents", json={"name": "e", "execution_mode": {"External": {"heartbeat_interval_secs": interval}}}
        )
        assert answer.status_code == 400


async def test_events_reach_event_driven_and_external_agents(agents_app, runs):
    async with agents_app() as app:
        agent_id = await create(app, execution_mode="EventDriven")
        answer = await app.client.post(
            f"/agents/{agent_id}/events", json={"event_type": "RunStarted", "payload": {"a": 1}}
        )
        assert answer.json()["event_id"] == "event-1"
        assert runs.delivered == [(agent_id, "RunStarted", {"a": 1})]
        assert (await app.client.post(f"/agents/{agent_id}/events", json={"payload": 1})).status_code == 400
        external = await create(app, "ext", "", execution_mode="external")
        for number in range(105):
            await app.client.post(f"/agents/{external}/events", json={"event_type": "x", "payload": number})
        events = (await app.client.get(f"/agents/{external}/status")).json()["recent_events"]
        assert len(events) == 100
        assert events[-1]["payload"] == 104


async def test_messages_are_carried_taken_and_expire(agents_app, fake_clock):
    async with agents_app(clock=fake_clock) as app:
        sender, recipient = await create(app, "s"), await create(app, "r")

        async def send(**more):
            answer = await app.client.post(
                f"/agents/{recipient}/messages", json={"sender": sender, "payload": "hi", **more}
            )
            assert answer.status_code == 200, answer.text
            assert answer.json()["status"] == "pending"
            return answer.json()["message_id"]

        async def status(message_id):
            return (await app.client.get(f"/messages/{message_id}/status")).json()["status"]

        first, second = await send(), await send(topic="news", ttl_seconds=10**30)
        assert await status(first) == "pending"
        inbox = (await app.client.get(f"/agents/{recipient}/messages")).json()["messages"]
        assert [message["message_id"] for message in inbox] == [first, second]
        assert set(inbox[0]) == {
            "message_id",
            "sender",
            "recipient",
            "topic",
            "payload",
            "message_type",
            "timestamp_secs",
            "ttl_seconds",
        }
        assert inbox[1]["ttl_seconds"] == 86400
        assert await status(first) == "delivered"
        assert (await app.client.get(f"/agents/{recipient}/messages")).json()["messages"] == []
        third = await send(ttl_seconds=-5)
        await fake_clock.advance(2)
        assert await status(third) == "expired"
        assert (await app.client.get(f"/agents/{recipient}/messages")).json()["messages"] == []
        fourth = await send()
        kept = (await app.client.get(f"/agents/{recipient}/messages", params={"ack": ""})).json()["messages"]
        assert [message["message_id"] for message in kept] == [fourth]
        assert (await app.client.get(f"/agents/{recipient}/messages", params={"ack": fourth})).json()["messages"] == []
        assert await status(fourth) == "delivered"
        assert (await app.client.get("/messages/nothing/status")).status_code == 404
        large = await app.client.post(
            f"/agents/{recipient}/messages", json={"sender": sender, "payload": "x" * 300_000}
        )
        assert large.status_code == 413


async def test_agents_survive_a_restart(agents_app):
    async with agents_app() as app:
        agent_id = await create(app)
    async with agents_app() as app:
        assert (await app.client.get("/agents")).json() == [agent_id]
