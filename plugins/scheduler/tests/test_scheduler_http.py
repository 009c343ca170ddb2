"""The wire of schedules: the seed's shapes, exact keys, status codes (seed "Scheduling API", runtime-api.md §1.4, decisions.md)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from scheduler_world import StandIns

from symbi.http.app import create_app
from symbi.testing.apps import TEST_TOKEN, App, open_app
from symbi.testing.clock import FakeClock

BODY = {
    "name": "daily-report",
    "cron_expression": "0 0 9 * * *",
    "timezone": "America/New_York",
    "agent_name": "report-agent",
    "policy_ids": ["policy-1"],
    "one_shot": False,
}
DETAIL = {
    "job_id", "name", "cron_expression", "timezone", "status", "enabled", "one_shot", "next_run", "last_run", "run_count", "failure_count",
    "created_at", "updated_at",
}  # fmt: skip
HEALTH = {
    "is_running", "store_accessible", "jobs_total", "jobs_active", "jobs_paused", "jobs_dead_letter", "global_active_runs", "max_concurrent",
    "runs_total", "runs_succeeded", "runs_failed", "average_execution_time_ms", "longest_run_ms",
}  # fmt: skip


pytestmark = pytest.mark.asyncio(loop_scope="module")
STAND_INS = StandIns()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with open_app(
        tmp_path_factory.mktemp("app"), [STAND_INS, "symbi_scheduler.plugin"], clock=FakeClock()
    ) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def app(shared: App) -> AsyncIterator[App]:
    """The one application of this module, with no schedule in it."""
    for entry in (await shared.client.get("/schedules")).json():
        await shared.client.delete(f"/schedules/{entry['job_id']}")
    yield shared


async def _create(app: App, **changes: Any) -> str:
    answer = await app.client.post("/schedules", json={**BODY, **changes})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job_id"])


async def test_create_answers_as_in_the_seed(app: App) -> None:
    answer = await app.client.post("/schedules", json=BODY)
    body = answer.json()
    assert (answer.status_code, set(body), body["status"]) == (200, {"job_id", "next_run", "status"}, "created")
    assert body["next_run"] == "2026-01-01T14:00:00Z"
    assert str(uuid.UUID(body["job_id"])) == body["job_id"]


async def test_list_has_eight_keys(app: App) -> None:
    assert (await app.client.get("/schedules")).json() == []
    ident = await _create(app)
    (entry,) = (await app.client.get("/schedules")).json()
    assert entry == {
        "job_id": ident,
        "name": "daily-report",
        "cron_expression": "0 0 9 * * *",
        "timezone": "America/New_York",
        "status": "active",
        "enabled": True,
        "next_run": "2026-01-01T14:00:00Z",
        "run_count": 0,
    }


async def test_detail_and_update_have_thirteen_keys(app: App) -> None:
    ident = await _create(app)
    assert set((await app.client.get(f"/schedules/{ident}")).json()) == DETAIL
    change = {"cron_expression": "0 */10 * * * *", "timezone": "UTC", "policy_ids": ["policy-2"], "one_shot": True}
    changed = await app.client.put(f"/schedules/{ident}", json=change)
    assert (changed.status_code, set(changed.json())) == (200, DETAIL)
    assert changed.json()["next_run"] == "2026-01-01T00:10:00Z"
    assert changed.json()["one_shot"] is True
    shown = (await app.client.get(f"/schedules/{ident}?detail=true")).json()
    assert shown["policy_ids"] == ["policy-2"]


async def test_actions_answer_three_keys(app: App) -> None:
    ident = await _create(app)
    for action, word, status in (
        ("pause", "paused", "paused"),
        ("resume", "resumed", "active"),
        ("trigger", "triggered", "active"),
    ):
        answer = await app.client.post(f"/schedules/{ident}/{action}", headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()) == (200, {"job_id": ident, "action": word, "status": "ok"})
        assert (await app.client.get(f"/schedules/{ident}")).json()["status"] == status


async def test_delete(app: App) -> None:
    ident = await _create(app)
    answer = await app.client.delete(f"/schedules/{ident}")
    assert (answer.status_code, answer.json()) == (200, {"job_id": ident, "deleted": True})
    assert (await app.client.get(f"/schedules/{ident}")).status_code == 404


@pytest.mark.parametrize("path", ["next", "next-runs"])
async def test_next_runs_by_both_paths(app: App, path: str) -> None:
    ident = await _create(app)
    body = (await app.client.get(f"/schedules/{ident}/{path}?count=2")).json()
    assert body == {"job_id": ident, "next_runs": ["2026-01-01T14:00:00Z", "2026-01-02T14:00:00Z"]}
    assert len((await app.client.get(f"/schedules/{ident}/{path}")).json()["next_runs"]) == 5
    assert len((await app.client.get(f"/schedules/{ident}/{path}?count=1000")).json()["next_runs"]) == 1000


@pytest.mark.parametrize("query", ["count=0", "count=1001", "count=x", "count=-1"])
async def test_f27_counts_outside_their_bounds(app: App, query: str) -> None:
    ident = await _create(app)
    assert (await app.client.get(f"/schedules/{ident}/next?{query}")).status_code == 400
    assert (await app.client.get(f"/schedules/{ident}/history?{query.replace('count', 'limit')}")).status_code == 400


async def test_health_has_thirteen_keys(app: App) -> None:
    await _create(app)
    answer = await app.client.get("/health/scheduler")
    body = answer.json()
    assert (answer.status_code, set(body)) == (200, HEALTH)
    assert (body["is_running"], body["store_accessible"], body["jobs_total"], body["jobs_active"]) == (True, True, 1, 1)
    assert (await app.anonymous.get("/health/scheduler")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"cron_expression": "0 0 0 30 2 *"}, "never_fires", "cron_expression"),
        ({"cron_expression": "0 0 0 1 1 * 2024"}, "in_the_past", "cron_expression"),
        ({"cron_expression": "0 9 * * *"}, "field_count", "cron_expression"),
        ({"cron_expression": "60 * * * * *"}, "out_of_range", "cron_expression"),
        ({"timezone": "Amercia/New_York"}, "unknown_timezone", "timezone"),
        ({"name": " "}, "INVALID_REQUEST", "name"),
        ({"policy_ids": "policy-1"}, "INVALID_REQUEST", "policy_ids"),
        ({"policy_ids": [1]}, "INVALID_REQUEST", "policy_ids[0]"),
        ({"nonsense": 1}, "INVALID_REQUEST", "nonsense"),
        ({"at": "2026-05-01T00:00:00Z"}, "INVALID_REQUEST", "cron_expression"),
        ({"calendar": "none"}, "unknown_calendar", "calendar"),
        ({"delivery": [{"target": "pigeon"}]}, "INVALID_REQUEST", "delivery"),
        ({"options": {"max_retries": -1}}, "INVALID_REQUEST", "options.max_retries"),
    ],
)
async def test_bad_bodies_are_400_and_name_the_field(app: App, changes: dict[str, Any], code: str, field: str) -> None:
    answer = await app.client.post("/schedules", json={**BODY, **changes})
    body = answer.json()
    assert (answer.status_code, body["code"], body["details"]["field"]) == (400, code, field)
    assert set(body) == {"error", "code", "details"}


async def test_missing_fields_and_broken_json(app: App) -> None:
    for name in ("name", "agent_name", "cron_expression"):
        body = {key: value for key, value in BODY.items() if key != name}
        answer = await app.client.post("/schedules", json=body)
        assert (answer.status_code, answer.json()["details"]["field"]) == (400, name)
    broken = await app.client.post("/schedules", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400


async def test_f26_unknown_agent_and_unknown_ids_are_404(app: App) -> None:
    answer = await app.client.post("/schedules", json={**BODY, "agent_name": "nobody"})
    assert (answer.status_code, answer.json()["code"]) == (404, "AGENT_NOT_FOUND")
    for ident in (str(uuid.uuid4()), "not-a-uuid"):
        for method, path in [
            ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/trigger"), ("GET", "/history"),
            ("GET", "/next"), ("GET", "/next-runs"), ("POST", "/reset"),
        ]:  # fmt: skip
            answer = await app.client.request(
                method, f"/schedules/{ident}{path}", json={"timezone": "UTC"} if method == "PUT" else None
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "SCHEDULE_NOT_FOUND"), (method, path)


async def test_every_route_needs_the_token(app: App) -> None:
    ident = await _create(app)
    for method, path in [
        ("GET", "/schedules"),
        ("POST", "/schedules"),
        ("GET", f"/schedules/{ident}"),
        ("POST", f"/schedules/{ident}/trigger"),
    ]:
        assert (await app.anonymous.request(method, path)).status_code == 401


async def test_policy_denial_is_403(app: App) -> None:
    STAND_INS.gate.deny.add("schedule_create")
    try:
        assert (await app.client.post("/schedules", json=BODY)).status_code == 403
    finally:
        STAND_INS.gate.deny.clear()
    assert (await app.client.get("/schedules")).json() == []


async def test_c14_the_warning_is_in_the_answers_header(app: App) -> None:
    answer = await app.client.post("/schedules", json={**BODY, "cron_expression": "0 0 9 13 * FRI"})
    assert answer.json()["next_run"] == "2026-02-13T14:00:00Z"
    assert "day_match" in answer.headers["x-symbi-warnings"]


async def test_tz4_a_single_time_in_a_gap_and_in_a_fold(app: App) -> None:
    body = {"name": "once", "agent_name": "a", "timezone": "America/New_York"}
    gap = await app.client.post("/schedules", json={**body, "at": "2026-03-08T02:30:00"})
    assert (gap.status_code, gap.json()["code"], gap.json()["details"]["field"]) == (400, "in_a_gap", "at")
    shifted = await app.client.post("/schedules", json={**body, "at": "2026-03-08T02:30:00", "dst_gap": "shift"})
    assert shifted.json()["next_run"] == "2026-03-08T07:30:00Z"
    fold = await app.client.post("/schedules", json={**body, "at": "2026-11-01T01:30:00"})
    assert fold.json()["next_run"] == "2026-11-01T05:30:00Z"
    assert "twice" in fold.headers["x-symbi-warnings"]
    offset = await app.client.post("/schedules", json={**body, "at": "2026-11-01T01:30:00-05:00"})
    assert offset.json()["next_run"] == "2026-11-01T06:30:00Z"
    past = await app.client.post("/schedules", json={**body, "at": "2025-11-01T01:30:00Z"})
    assert (past.status_code, past.json()["code"]) == (400, "in_the_past")


async def test_preview(app: App) -> None:
    body = {"expression": "0 30 2 * * *", "timezone": "America/New_York", "after": "2026-03-08T04:00:00Z", "count": 2}
    found = (await app.client.post("/schedules/preview", json=body)).json()
    assert found["next_runs"] == ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]
    assert (found["dst_gap"], found["dst_overlap"], found["warnings"]) == ("next", "first", [])
    assert found["description"] == "At 02:30:00 (America/New_York)."


async def test_r_cal_calendars_over_http(app: App) -> None:
    ical = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR"
    put = await app.client.put("/calendars/holidays", json={"weekdays": [0, 6], "ical": ical})
    assert (put.status_code, put.json()["dates"][0]) == (200, "2026-01-01")
    ident = await _create(app, calendar="holidays")
    assert (await app.client.get(f"/schedules/{ident}")).json()["next_run"] == "2026-01-02T14:00:00Z"
    assert (await app.client.delete("/calendars/holidays")).status_code == 409
    await app.client.put("/calendars/holidays", json={"dates": ["2026-01-02"], "weekdays": [0, 6, 4]})
    assert (await app.client.get(f"/schedules/{ident}")).json()["next_run"] == "2026-01-05T14:00:00Z"
    whole = await app.client.put("/calendars/all", json={"weekdays": [0, 1, 2, 3, 4, 5, 6]})
    assert whole.status_code == 200
    never = await app.client.post("/schedules", json={**BODY, "calendar": "all"})
    assert (never.status_code, never.json()["code"]) == (400, "never_fires")


async def test_openapi_describes_the_routes(app: App) -> None:
    answer = await app.anonymous.get("http://127.0.0.1:8080/openapi.json")
    assert answer.status_code == 200
    assert "/api/v1/schedules/{job_id}/next" in answer.json()["paths"]


async def test_the_symbiont_sdk_reads_every_answer(app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The client on PyPI builds its structs from exactly the keys it knows; any other key is a TypeError there."""
    symbiont = pytest.importorskip("symbiont")
    from symbiont.schedules import CreateScheduleRequest, UpdateScheduleRequest

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMBIONT_AUTH_JWT_SECRET_KEY", "for-the-client-alone")
    async with _served(app) as url:
        client = symbiont.Client(base_url=f"{url}/api/v1", api_key=TEST_TOKEN)
        client.config.max_retries = 0
        schedules = client.schedules

        def use() -> None:
            made = schedules.create_schedule(
                CreateScheduleRequest(name="sdk", cron_expression="0 0 9 * * *", agent_name="a")
            )
            assert made.status == "created"
            assert [entry.name for entry in schedules.list_schedules()] == ["sdk"]
            assert schedules.get_schedule(made.job_id).timezone == "UTC"
            changed = schedules.update_schedule(made.job_id, UpdateScheduleRequest(timezone="Europe/London"))
            assert changed.timezone == "Europe/London"
            assert schedules.pause_schedule(made.job_id).action == "paused"
            assert schedules.resume_schedule(made.job_id).status == "ok"
            assert schedules.trigger_schedule(made.job_id).action == "triggered"
            deadline = time.monotonic() + 10
            while (
                not (history := schedules.get_schedule_history(made.job_id).history) or history[0].status != "completed"
            ):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert len(schedules.get_schedule_next_runs(made.job_id, count=3).next_runs) == 3
            assert schedules.get_scheduler_health().is_running
            assert schedules.delete_schedule(made.job_id).deleted

        await asyncio.to_thread(use)


@asynccontextmanager
async def _served(app: App) -> AsyncIterator[str]:
    """Serve the application on a loopback port for the length of the block."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(create_app(app.kernel), port=0, lifespan="off", log_level="error"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined,method-assign]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
