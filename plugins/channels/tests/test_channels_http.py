"""The endpoints: exact keys, lifecycle, redaction, errors (runtime-api.md §1.5, channels.md §1)."""

from __future__ import annotations

import re

import pytest

TOKEN = "room-very-secret-token-1234"


async def test_the_seeds_calls_answer_with_exactly_the_seeds_keys(world):
    client = world.client
    made = await client.post(
        "/channels", json={"name": "slack-general", "platform": "room", "config": {"token": TOKEN}}
    )
    assert made.status_code == 200
    assert made.json() == {"id": made.json()["id"], "name": "slack-general", "platform": "room", "status": "registered"}
    ident = made.json()["id"]
    assert (await client.get("/channels")).json() == [made.json()]
    detail = (await client.get(f"/channels/{ident}")).json()
    assert set(detail) == {"id", "name", "platform", "status", "config", "created_at", "updated_at"}
    assert detail["config"] == {"token": "***"}
    started = await client.post(f"/channels/{ident}/start")
    assert (started.status_code, started.json()) == (200, {"id": ident, "action": "started", "status": "ok"})
    assert (await client.get("/channels")).json()[0]["status"] == "running"
    health = (await client.get(f"/channels/{ident}/health")).json()
    assert health == {
        "id": ident,
        "connected": True,
        "platform": "room",
        "workspace_name": "home",
        "channels_active": 3,
        "last_message_at": None,
        "uptime_secs": 0,
    }
    stopped = await client.post(f"/channels/{ident}/stop")
    assert stopped.json() == {"id": ident, "action": "stopped", "status": "ok"}
    gone = await client.delete(f"/channels/{ident}")
    assert (gone.status_code, gone.json()) == (200, {"id": ident, "deleted": True})
    assert (await client.get("/channels")).json() == []


async def test_mappings_have_eight_keys_and_are_unique(world):
    ident = await world.channel(start=False, people=())
    body = {"platform_user_id": "U1", "symbiont_user_id": "ann", "display_name": "Ann", "roles": ["ops"]}
    made = await world.client.post(f"/channels/{ident}/mappings", json=body)
    assert made.status_code == 200
    shown = made.json()
    assert shown == {**body, "platform": "room", "email": None, "verified": True, "created_at": shown["created_at"]}
    assert (await world.client.get(f"/channels/{ident}/mappings")).json() == [shown]
    again = await world.client.post(f"/channels/{ident}/mappings", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "ADD_CHANNEL_MAPPING_FAILED")
    removed = await world.client.delete(f"/channels/{ident}/mappings/U1")
    assert (removed.status_code, removed.content) == (204, b"")
    missing = await world.client.delete(f"/channels/{ident}/mappings/U1")
    assert (missing.status_code, missing.json()["code"]) == (404, "REMOVE_CHANNEL_MAPPING_FAILED")


async def test_the_audit_log_has_six_keys_an_entry_and_pages(world):
    ident = await world.channel(people=("U1", "U2"))
    found = (await world.client.get(f"/channels/{ident}/audit")).json()
    assert found["channel_id"] == ident
    kinds = [each["event_type"] for each in found["entries"]]
    assert kinds == ["started", "mapping.added", "mapping.added", "registered"]
    for each in found["entries"]:
        assert set(each) == {"timestamp", "event_type", "user_id", "channel_id", "agent", "details"}
    before = found["entries"][1]["details"]["seq"]
    page = (await world.client.get(f"/channels/{ident}/audit", params={"before": before, "limit": 1})).json()
    assert [each["event_type"] for each in page["entries"]] == ["mapping.added"]
    assert (await world.client.get(f"/channels/{ident}/audit", params={"before": "x"})).status_code == 400


@pytest.mark.parametrize(("method", "path"), [
    ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("GET", "/health"), ("GET", "/mappings"), ("GET", "/audit"),
    ("POST", "/messages"), ("POST", "/hooks/events"), ("DELETE", "/mappings/U1"),
])  # fmt: skip
async def test_an_unknown_channel_is_404_everywhere(world, method, path):
    body = {"PUT": {"config": {}}, "POST": {"text": "x"} if path == "/messages" else None}.get(method)
    answer = await world.client.request(method, f"/channels/nobody{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "CHANNEL_NOT_FOUND")


async def test_every_endpoint_needs_an_administrators_credential(world):
    ident = await world.channel()
    for method, path in (("GET", ""), ("POST", "/start"), ("GET", "/mappings"), ("GET", "/audit"), ("GET", "/health")):
        assert (await world.app.anonymous.request(method, f"/channels/{ident}{path}")).status_code == 401
    assert (await world.app.anonymous.get("/channels")).status_code == 401


async def test_wrong_registrations_name_the_field(world):
    async def refused(body):
        answer = await world.client.post("/channels", json=body)
        assert answer.status_code == 400, answer.text
        return answer.json()

    unknown = await refused({"name": "a", "platform": "irc", "config": {}})
    assert unknown["details"]["installed"] == ["room"]
    assert "installed: room" in unknown["error"]
    assert (await refused({"name": "a", "platform": "room", "config": {"levle": 3}}))["details"][
        "field"
    ] == "config.levle"
    assert "did you mean 'level'" in (await refused({"name": "a", "platform": "room", "config": {"levle": 3}}))["error"]
    assert (await refused({"name": "a", "platform": "room", "config": {"level": "x"}}))["details"][
        "field"
    ] == "config.level"
    assert "at most 9" in (await refused({"name": "a", "platform": "room", "config": {"level": 10}}))["error"]
    assert (await refused({"name": "a", "platform": "room", "config": {"listen": "some"}}))["details"][
        "field"
    ] == "config.listen"
    assert (
        "NOT_SET"
        in (await refused({"name": "a", "platform": "room", "config": {"token": {"env": "NOT_SET"}}}))["error"]
    )
    assert (await refused({"name": "a\nb", "platform": "room"}))["details"]["field"] == "name"
    assert (await refused({"platform": "room"}))["details"]["field"] == "name"
    assert (await world.client.get("/channels")).json() == []


async def test_a_name_is_taken_once(world):
    await world.channel(start=False)
    again = await world.client.post("/channels", json={"name": "ops", "platform": "room"})
    assert (again.status_code, again.json()["code"]) == (409, "REGISTER_CHANNEL_FAILED")


async def test_starting_and_stopping_twice_is_a_conflict(world):
    ident = await world.channel()
    assert (await world.client.post(f"/channels/{ident}/start")).json()["code"] == "CHANNEL_START_FAILED"
    await world.client.post(f"/channels/{ident}/stop")
    again = await world.client.post(f"/channels/{ident}/stop")
    assert (again.status_code, again.json()["code"]) == (409, "CHANNEL_STOP_FAILED")
    sent = await world.client.post(f"/channels/{ident}/messages", json={"text": "x"})
    assert (sent.status_code, sent.json()["code"]) == (409, "CHANNEL_NOT_RUNNING")


async def test_an_update_keeps_secrets_that_are_left_out_and_reopens_a_running_channel(world):
    ident = await world.channel(token=TOKEN, level=2)
    answer = await world.client.put(f"/channels/{ident}", json={"config": {"level": 3, "agent": "helper"}})
    assert answer.status_code == 200
    assert set(answer.json()) == {"id", "name", "platform", "status", "config", "created_at", "updated_at"}
    assert answer.json()["config"] == {"level": 3, "agent": "helper", "token": "***"}
    assert answer.json()["status"] == "running"
    assert [config.level for config in world.room.configs] == [2, 3]
    assert world.room.configs[-1].token.reveal() == TOKEN
    shown = answer.json()["config"]
    await world.client.put(f"/channels/{ident}", json={"config": {**shown, "level": 4}})
    assert world.room.configs[-1].token.reveal() == TOKEN
    wrong = await world.client.put(f"/channels/{ident}", json={"config": {"level": "x"}})
    assert wrong.status_code == 400
    assert world.room.configs[-1].level == 4


async def test_secrets_are_nowhere_in_the_clear(world, tmp_path, caplog):
    caplog.set_level("DEBUG")
    ident = await world.channel(token=TOKEN, tokens=[TOKEN + "-two"])
    texts = [
        (await world.client.get(path)).text for path in ("/channels", f"/channels/{ident}", f"/channels/{ident}/audit")
    ]
    texts += [caplog.text, repr(world.audit.records), repr(world.room.configs), repr(world.service.hub.runners)]
    assert not any(TOKEN in text for text in texts)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)
    key = tmp_path / "data" / "channels" / "secret.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700


async def test_references_stay_references(make_world, tmp_path):
    world = make_world()
    async with world.opened(tmp_path):
        world.app.kernel.settings.environ["ROOM_TOKEN"] = TOKEN
        ident = await world.channel(token={"env": "ROOM_TOKEN"}, tokens=["env:ROOM_TOKEN"])
        assert world.room.configs[-1].token.reveal() == TOKEN
        assert world.room.configs[-1].tokens[0].reveal() == TOKEN
        assert (await world.client.get(f"/channels/{ident}")).json()["config"]["token"] == {"env": "ROOM_TOKEN"}


async def test_a_running_channel_runs_again_after_a_restart(make_world, tmp_path):
    world = make_world()
    async with world.opened(tmp_path):
        ident = await world.channel(token=TOKEN)
        stopped = await world.channel(name="quiet")
        await world.client.post(f"/channels/{stopped}/stop")
    async with world.opened(tmp_path):
        assert {each["name"]: each["status"] for each in (await world.client.get("/channels")).json()} == {
            "ops": "running",
            "quiet": "stopped",
        }
        sent = await world.client.post(f"/channels/{ident}/messages", json={"text": "back"})
        assert sent.json()["status"] == "sent"
        assert world.room.configs[-1].token.reveal() == TOKEN


async def test_a_channel_whose_key_is_gone_costs_only_itself(make_world, tmp_path):
    world = make_world()
    async with world.opened(tmp_path):
        await world.channel(token=TOKEN)
        await world.channel(name="plain")
    (tmp_path / "data" / "channels" / "secret.key").unlink()
    async with world.opened(tmp_path):
        assert {each["name"]: each["status"] for each in (await world.client.get("/channels")).json()} == {
            "ops": "error",
            "plain": "running",
        }
        report = await world.service.health()
        assert (report.state, "ops" in report.reason) == ("degraded", True)


async def test_policy_is_asked_for_every_change(world):
    ident = await world.channel()
    await world.client.post(f"/channels/{ident}/messages", json={"text": "x"})
    await world.client.put(f"/channels/{ident}", json={"config": {}})
    await world.client.delete(f"/channels/{ident}")
    actions = [request.action for request in world.gate.asked]
    assert actions == ["channel_create", "channel_update", "channel_send", "channel_update", "channel_delete"]
    world.gate.allow = []
    refused = await world.client.post("/channels", json={"name": "x", "platform": "room"})
    assert (refused.status_code, refused.json()["code"]) == (403, "POLICY_DENIED")


async def test_status_counts_and_figures(world):
    await world.channel()
    assert await world.service.status_counts() == {"channel_count": 1}
    from symbi_channels.figures import collect

    found = await collect(world.service.context)
    assert (found["total"], found["running"], found["each"]["ops"]["outbound"]) == (1, 1, 0)


async def test_a_hook_is_open_but_signed_and_bounded(world, message):
    ident = await world.channel()
    assert (await world.hook(ident, message(), signature="bad")).status_code == 401
    huge = await world.app.anonymous.post(
        f"/channels/{ident}/hooks/events", content=b"x" * (1024 * 1024 + 1), headers={"x-signature": "good"}
    )
    assert huge.status_code == 413
    assert (await world.hook(ident, message())).text == "new"
    await world.client.post(f"/channels/{ident}/stop")
    assert (await world.hook(ident, message(number=2))).status_code == 404


async def test_timestamps_are_rfc3339(world):
    ident = await world.channel()
    detail = (await world.client.get(f"/channels/{ident}")).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", detail["created_at"])
