"""Messages in and out: once each, in order, under the person's rights, over crashes and outages (channels.md §1, §4)."""

from __future__ import annotations

import asyncio
import time

import pytest

from symbi.contracts.channels import ChannelRefused, ChannelService, OutboundMessage, SendFailed


async def test_an_answer_comes_back_in_the_thread_that_asked(world, message, until):
    await world.channel()
    await world.room.push(message("hello", number=7))
    await until(lambda: world.room.sent)
    (sent,) = world.room.sent
    assert sent == OutboundMessage(conversation="C1", text="you said: hello", thread="ts7")
    (agent, given, principal, options) = world.runs.started[0]
    assert (agent, given, principal.id, principal.roles, principal.kind) == (
        "helper",
        {"message": "hello"},
        "user:person-U1",
        {"ops"},
        "user",
    )
    assert principal.agents == {"id-helper"}
    assert not principal.admin
    assert (options.trigger, options.surface, options.origin["thread_id"]) == ("channel", "channel", "ts7")


async def test_a_direct_message_is_answered_beside_it(world, message, until):
    await world.channel()
    await world.room.push(message(direct=True, addressed=False))
    await until(lambda: world.room.sent)
    assert world.room.sent[0].thread == ""


async def test_what_is_not_meant_for_the_bot_is_ignored(world, message):
    ident = await world.channel(conversations=["C1"])
    assert (await world.hook(ident, message(addressed=False))).text == "ignored"
    assert (await world.hook(ident, message(conversation="C2"))).text == "ignored"
    assert (await world.hook(ident, message(conversation="D1", direct=True))).text == "new"


async def test_an_unmapped_person_is_refused_once_and_audited_every_time(world, message, until):
    ident = await world.channel(people=())
    for number in range(3):
        await world.hook(ident, message(number=number))
    await until(lambda: len([each for each in world.audit.records if each.kind == "channel.identity.refused"]) == 3)
    await until(lambda: world.room.sent)
    assert world.runs.started == []
    assert len(world.room.sent) == 1
    assert "U1" in world.room.sent[0].text


async def test_policy_decides_about_the_person_and_the_refusal_carries_a_reference(world, message, until):
    world.runs.deny = True
    await world.channel()
    await world.room.push(message())
    await until(lambda: world.room.sent)
    assert "policy says no" in world.room.sent[0].text
    refused = [each for each in world.audit.records if each.kind == "channel.agent.refused"]
    assert refused[0].outcome == "denied"
    assert refused[0].details["reference"] in world.room.sent[0].text


async def test_a_failed_run_is_answered_with_its_reference(world, message, until):
    world.runs.answer = None
    await world.channel()
    await world.room.push(message())
    await until(lambda: world.runs.runs)
    await until(lambda: any(each.kind == "channel.agent.invoked" for each in world.audit.records))
    world.runs.end("run-1", status="failed", error={"code": "x", "message": "the model did not answer"})
    await until(lambda: world.room.sent)
    assert world.room.sent[0].text == "The agent `helper` failed: the model did not answer (run run-1)"


@pytest.mark.parametrize("count", [10_000])
async def test_ten_thousand_duplicates_start_one_run(world, message, until, count):
    await world.channel()
    await until(lambda: world.room.accepts)
    accept = world.room.accepts[0]
    same = message("once", also=("ts:C1:1",))
    twin = message("once", number=2, also=("ts:C1:1",))
    results = await asyncio.gather(*(accept(same if number % 2 else twin) for number in range(count)))
    assert results.count("new") == 1
    await until(lambda: world.room.sent)
    assert len(world.runs.started) == 1
    assert len(world.room.sent) == 1


async def test_a_replayed_request_is_told_apart_from_a_redelivery(world, message, until):
    ident = await world.channel()
    assert (await world.hook(ident, message(nonce="sig-1"))).status_code == 200
    assert (await world.hook(ident, message(nonce="sig-1"))).status_code == 409
    again = await world.hook(ident, message(nonce="sig-2"))
    assert (again.status_code, again.text) == (200, "duplicate")
    await until(lambda: world.room.sent)
    assert len(world.runs.started) == 1


async def test_runs_start_in_the_order_of_a_conversation(world, message, until):
    await world.channel()
    await until(lambda: world.room.accepts)
    accept = world.room.accepts[0]
    for number in range(60):
        await accept(message(f"n{number}", number=number, conversation=f"C{number % 3}"))
    await until(lambda: len(world.room.sent) == 60)
    for room in range(3):
        started = [
            int(given["message"][1:])
            for _, given, _, options in world.runs.started
            if options.origin["conversation"] == f"C{room}"
        ]
        assert started == sorted(started)


async def test_what_was_acknowledged_is_acted_on_once_after_a_crash(make_world, message, until, tmp_path):
    """kill -9 between acknowledging and acting, and between starting the run and noting it."""
    world = make_world()
    async with world.opened(tmp_path):
        ident = await world.channel()
        runner = world.service.hub.runners[ident]
        await until(lambda: world.room.accepts)

        act = runner.actor.act

        async def die(*args, **options):
            await asyncio.Event().wait()

        async def die_before_the_first(seq, message):
            await (die() if message.text == "one" else act(seq, message))

        runner.actor.act = die_before_the_first
        runner.actor._finish = die
        await runner.accept(message("one", number=1))
        await runner.accept(message("two", number=2, conversation="C2"))
        await until(lambda: len(world.runs.started) == 1)
    async with world.opened(tmp_path):
        await until(lambda: len(world.room.sent) == 2)
        assert sorted(given["message"] for _, given, _, _ in world.runs.started) == ["one", "two"]
        assert (await world.hook(ident, message("one", number=1))).text == "duplicate"
    assert len(world.room.sent) == 2


async def test_a_run_that_ended_while_the_runtime_was_away_is_answered_once(make_world, message, until, tmp_path):
    world = make_world()
    world.runs.answer = None
    async with world.opened(tmp_path):
        await world.channel()
        await world.room.push(message())
        await until(lambda: any(each.kind == "channel.agent.invoked" for each in world.audit.records))
        await asyncio.sleep(0.05)
    world.runs.end("run-1", "late answer")
    async with world.opened(tmp_path):
        await until(lambda: world.room.sent)
    async with world.opened(tmp_path):
        await asyncio.sleep(0.1)
    assert [each.text for each in world.room.sent] == ["late answer"]


async def test_a_message_that_makes_the_code_stumble_is_given_up_and_the_next_is_served(
    world, message, until, monkeypatch
):
    monkeypatch.setattr("symbi_channels.inbound._STUMBLES", 2)
    ident = await world.channel()
    actor = world.service.hub.runners[ident].actor
    act = actor.act

    async def stumble(seq, message):
        if message.text == "poison":
            raise RuntimeError("a bug")
        await act(seq, message)

    actor.act = stumble
    await world.room.push(message("poison", number=1))
    await world.room.push(message("fine", number=2))
    await until(lambda: len(world.room.sent) == 2)
    assert "went wrong" in world.room.sent[0].text
    assert world.room.sent[1].text == "you said: fine"


async def test_the_outbox_drains_in_order_after_an_outage(world, until):
    ident = await world.channel()
    world.room.down = True
    client = world.service
    for number in range(20):
        row = await client.post(ident, f"n{number}", principal=_admin(), target=f"C{number % 2}", wait_seconds=0)
        assert row.status == "queued"
    await asyncio.sleep(0.3)
    assert world.room.sent == []
    world.room.down = False
    await until(lambda: len(world.room.sent) == 20)
    for room in ("C0", "C1"):
        numbers = [int(each.text[1:]) for each in world.room.sent if each.conversation == room]
        assert numbers == sorted(numbers)


async def test_retry_after_is_honoured_and_other_conversations_go_on(world, until):
    ident = await world.channel()
    world.room.faults = [SendFailed("slow down", retryable=True, retry_after=0.5, status=429)]
    began = time.monotonic()
    first = asyncio.create_task(world.service.post(ident, "limited", principal=_admin(), target="C1"))
    await until(lambda: not world.room.faults)
    other = await world.service.post(ident, "free", principal=_admin(), target="C2")
    assert other.status == "sent"
    assert time.monotonic() - began < 0.4
    assert (await first).status == "sent"
    assert time.monotonic() - began >= 0.5
    assert world.service.hub.runners[ident].counters.rate_limited == 1


async def test_five_messages_to_one_conversation_keep_the_rate(make_world, tmp_path, until):
    world = make_world()
    world.room.per_second = 20
    async with world.opened(tmp_path):
        ident = await world.channel()
        began = time.monotonic()
        for number in range(5):
            await world.service.post(ident, str(number), principal=_admin(), target="C1", wait_seconds=0)
        await until(lambda: len(world.room.sent) == 5)
        assert time.monotonic() - began >= 4 / 20


async def test_a_message_that_the_platform_will_never_take_is_given_up(world):
    ident = await world.channel()
    world.room.faults = [SendFailed("no such conversation", retryable=False)]
    answer = await world.client.post(f"/channels/{ident}/messages", json={"text": "x", "target": "C9"})
    assert (answer.status_code, answer.json()["code"]) == (503, "CHANNEL_SEND_FAILED")
    assert "no such conversation" in answer.json()["error"]
    again = await world.client.post(f"/channels/{ident}/messages", json={"text": "y", "target": "C9"})
    assert again.json()["status"] == "sent"


async def test_refused_credentials_put_the_channel_into_error_until_it_is_started_again(world, until):
    ident = await world.channel()
    await world.room.push(ChannelRefused("invalid_auth"))
    status = {}

    async def broken():
        status.update((await world.client.get(f"/channels/{ident}")).json())
        return status["status"] == "error"

    async with asyncio.timeout(5):
        while not await broken():
            await asyncio.sleep(0.01)
    assert world.room.receiving == 0
    assert (await world.client.post(f"/channels/{ident}/start")).status_code == 200
    await until(lambda: world.room.receiving == 1)


async def test_a_long_answer_comes_in_numbered_parts_within_the_limit(world, message, until):
    world.room.size = 500
    world.runs.answer = lambda text: "word " * 400 + "\n```python\n" + "x = 1\n" * 100 + "```\ndone"
    await world.channel()
    await world.room.push(message())
    await until(
        lambda: (
            world.room.sent and world.room.sent[-1].text.endswith(f"({len(world.room.sent)}/{len(world.room.sent)})")
        )
    )
    assert all(
        len(each.text) <= 500 and each.text.count("```") % 2 == 0 and each.thread == "ts1" for each in world.room.sent
    )


async def test_a_slow_run_is_announced_and_the_notice_becomes_the_answer(world, message, until):
    world.runs.answer = None
    await world.channel(slow_notice_seconds=0.05, progress_seconds=1)
    await world.room.push(message())
    await until(lambda: world.room.sent)
    assert "working on it" in world.room.sent[0].text
    world.runs.journal["run-1"] = ["queued", "effect", "effect"]
    await until(lambda: world.room.edited)
    assert "(2 steps)" in world.room.edited[0][1].text
    world.runs.end("run-1", "the answer")
    await until(lambda: len(world.room.edited) == 2)
    assert world.room.edited[1] == ("m1", OutboundMessage(conversation="C1", text="the answer", thread="ts1"))
    assert len(world.room.sent) == 1


async def test_invisible_characters_do_not_reach_an_agent(world, message, until):
    await world.channel()
    await world.room.push(message("hi\u200b \U000e0041\u202ethere 👩‍💻 می‌خواهم"))
    await until(lambda: world.runs.started)
    assert world.runs.started[0][1]["message"] == "hi there 👩‍💻 می‌خواهم"


async def test_the_audit_log_holds_text_only_where_that_is_configured(world, message, until):
    await world.channel()
    await world.channel(name="open", store_text=True)
    for runner in list(world.service.hub.runners.values()):
        await runner.accept(message("a private matter", number=99))
    await until(lambda: len(world.room.sent) == 2)
    texts = [each.details.get("text") for each in world.audit.records if each.kind == "channel.message.inbound"]
    assert sorted(texts, key=str) == [None, "a private matter"] or sorted(texts, key=str) == ["a private matter", None]


async def test_rules_commands_and_help(world, message, until):
    await world.channel(rules=[{"match": "deploy*", "agent": "deployer"}], agents=["deployer"])
    for number, text in enumerate(["deploy it", "run deployer now", "run stranger now", "help", ""], 1):
        await world.room.push(message(text, number=number))
    await until(lambda: len(world.room.sent) == 5)
    assert [(agent, given["message"]) for agent, given, _, _ in world.runs.started] == [
        ("deployer", "deploy it"),
        ("deployer", "now"),
        ("helper", "run stranger now"),
    ]
    assert any("run AGENT text" in each.text for each in world.room.sent)


async def test_a_delivery_is_put_into_the_outbox_once(world, until):
    from symbi.contracts.delivery import Delivery
    from symbi.kernel.points import DELIVERY_TARGETS

    await world.channel()
    delivery = Delivery(
        idempotency_key="run-1:0",
        run_id="run-1",
        agent="helper",
        status="completed",
        result="42",
        error=None,
        schedule="nightly",
    )
    async with world.app.kernel.open(DELIVERY_TARGETS, "channel", {"channel": "ops"}) as target:
        for _ in range(2):
            assert (await target.deliver(delivery)).delivered
    await until(lambda: world.room.sent)
    assert [each.text for each in world.room.sent] == ["**nightly**\n42"]
    async with world.app.kernel.open(DELIVERY_TARGETS, "channel", {"channel": "nobody"}) as target:
        outcome = await target.deliver(delivery)
        assert (outcome.delivered, outcome.retryable) == (False, False)


async def test_declared_channels_are_made_once_kept_changed_and_removed(world):
    service = world.service
    block = {
        "key": "a.symbi#help",
        "name": "help",
        "platform": "room",
        "line": 3,
        "default_agent": "helper",
        "options": {"level": 2},
        "channels": ("C1",),
    }
    owner = _admin()
    assert await service.reconcile("file:a.symbi", "channel", [block], owner=owner) == []
    (made,) = (await world.client.get("/channels")).json()
    assert (made["name"], made["status"]) == ("help", "running")
    await service.reconcile("file:a.symbi", "channel", [block], owner=owner)
    await service.reconcile("file:a.symbi", "channel", [{**block, "options": {"level": 5}}], owner=owner)
    assert [config.level for config in world.room.configs] == [2, 5]
    faults = await service.reconcile(
        "file:a.symbi",
        "channel",
        [{**block, "platform": "irc", "name": "x", "key": "k"}, {**block, "channels": ("#support",)}],
        owner=owner,
    )
    assert len(faults) == 2
    await service.reconcile("file:a.symbi", "channel", [], owner=owner)
    assert (await world.client.get("/channels")).json() == []


async def test_the_service_is_what_its_contract_says(world):
    assert isinstance(world.service, ChannelService)


def _admin():
    from symbi.contracts.principal import LOCAL_ADMIN

    return LOCAL_ADMIN
