"""Runs that start runs, and runs that wait for people and events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from symbi.contracts.errors import Conflict
from symbi.contracts.principal import LOCAL_ADMIN


async def test_delegate_waits_for_the_real_result(house: Any) -> None:
    house.world.add("parent", "delegates")
    house.world.add("child", "noop")
    run = await house.run("parent", {"to": "child"})
    assert run.result == {"arguments": {"message": "hi"}}
    child = next(each for each in await house.runs.list() if each.agent == "child")
    assert child.trigger == "delegation"
    assert child.principal == "local"


async def test_failure_of_a_child_is_the_parents(house: Any) -> None:
    house.world.add("parent", "delegates")
    house.world.add("child", "fails_for_good")
    run = await house.run("parent", {"to": "child"})
    assert (run.status, run.error["code"]) == ("failed", "program_error")


async def test_denied_delegation_starts_nothing(house: Any) -> None:
    house.world.add("parent", "delegates")
    house.world.add("child", "noop")
    house.world.deny.add("delegate::child")
    run = await house.run("parent", {"to": "child"})
    assert run.error["code"] == "policy_denied"
    assert [each.agent for each in await house.runs.list()] == ["parent"]


async def test_circles_and_depth_are_refused(open_house: Any) -> None:
    """RSN-60: depth 3, cycle by id."""
    async with open_house() as house:
        house.world.add("loop", "delegates")
        run = await house.run("loop", {"to": "loop"})
        assert run.error["code"] == "delegation_cycle"
    async with open_house(max_depth=0) as house:
        house.world.add("child", "noop")
        assert (await house.run("loop", {"to": "child"})).error["code"] == "depth_exceeded"


async def test_delegation_does_not_deadlock_on_slots(open_house: Any) -> None:
    async with open_house(max_running=1) as house:
        house.world.add("parent", "delegates")
        house.world.add("child", "noop")
        runs = await asyncio.gather(*(house.run("parent", {"to": "child"}) for _ in range(5)))
        assert {run.status for run in runs} == {"completed"}


async def test_parallel_keeps_order_and_shows_errors(house: Any) -> None:
    house.world.add("parent", "parallels")
    house.world.add("good", "noop")
    house.world.add("bad", "fails_for_good")
    run = await house.run("parent", {"to": ["good", "bad", "good"]})
    assert [("error" in each) for each in run.result] == [False, True, False]


async def test_race_takes_the_first_and_stops_the_rest(house: Any) -> None:
    house.world.add("parent", "races")
    house.world.add("quick", "noop")
    house.world.add("slow", "sleeps")
    run = await house.run("parent", {"to": ["slow", "quick"]})
    assert run.result == {"arguments": {"message": "quick"}}
    slow = next(each for each in await house.runs.list() if each.agent == "slow")
    assert (await house.runs.wait(slow.run_id, timeout=5)).status == "terminated"


async def test_stopping_a_parent_stops_its_children(house: Any) -> None:
    house.world.add("parent", "delegates")
    house.world.add("slow", "sleeps")
    run = await house.start("parent", {"to": "slow"})
    for _ in range(200):
        children = [each for each in await house.runs.list(status=("running",)) if each.agent == "slow"]
        if children:
            break
        await asyncio.sleep(0.01)
    await house.runs.cancel(run.run_id, principal=LOCAL_ADMIN)
    assert (await house.runs.wait(children[0].run_id, timeout=5)).status == "terminated"


async def test_held_tool_waits_and_goes_on_when_approved(house: Any) -> None:
    house.world.add("a", "call_tool")
    house.world.hold.add("tool_call::echo")
    run = await house.start("a")
    waiting = await house.until(run.run_id, "waiting")
    assert not waiting.ended
    assert house.world.calls == []
    house.world.resolve_approval("approved")
    done = await house.runs.wait(run.run_id, timeout=5)
    assert (done.status, done.result) == ("completed", {"tool": "echo", "x": 1})
    kinds = await house.kinds(run.run_id)
    assert kinds[3:6] == ["gate", "waiting", "resumed"]


@pytest.mark.parametrize("status", ["denied", "expired"])
async def test_held_tool_that_is_not_approved_is_denied(house: Any, status: str) -> None:
    """RSN-61: expiry is a denial."""
    house.world.add("a", "call_tool")
    house.world.hold.add("tool_call::echo")
    run = await house.start("a")
    await house.until(run.run_id, "waiting")
    house.world.resolve_approval(status, reason="not today")
    done = await house.runs.wait(run.run_id, timeout=5)
    assert done.error["code"] == "policy_denied"
    assert "not today" in done.error["message"]
    assert house.world.calls == []


async def test_waiting_run_gives_its_slot_to_others(open_house: Any) -> None:
    async with open_house(max_running=1) as house:
        house.world.add("held", "call_tool")
        house.world.add("other", "noop")
        house.world.hold.add("tool_call::echo")
        run = await house.start("held")
        await house.until(run.run_id, "waiting")
        assert (await house.run("other")).status == "completed"
        house.world.resolve_approval("approved")
        assert (await house.runs.wait(run.run_id, timeout=5)).status == "completed"


async def test_cancel_of_a_waiting_run(house: Any) -> None:
    house.world.add("a", "call_tool")
    house.world.hold.add("tool_call::echo")
    run = await house.start("a")
    await house.until(run.run_id, "waiting")
    await house.runs.cancel(run.run_id, principal=LOCAL_ADMIN)
    assert (await house.runs.wait(run.run_id, timeout=5)).status == "terminated"


async def test_waiting_run_goes_on_after_a_restart(open_house: Any) -> None:
    """Approvals survive a restart; what was done before is not done again."""
    async with open_house() as house:
        house.world.add("a", "send_then_wait")
        house.world.hold.add("tool_call::send")
        run = await house.start("a")
        await house.until(run.run_id, "waiting")
        assert house.world.calls == [("echo", {"n": 1})]
    async with open_house() as house:
        await house.until(run.run_id, "waiting")
        house.world.resolve_approval("approved")
        done = await house.runs.wait(run.run_id, timeout=5)
        assert done.status == "completed"
        assert house.world.calls == [("echo", {"n": 1}), ("send", {"n": 2}), ("echo", {"n": 3})]


async def test_program_asks_a_person(house: Any) -> None:
    house.world.add("a", "asks")
    run = await house.start("a")
    await house.until(run.run_id, "waiting")
    house.world.resolve_approval("approved", reason="go")
    done = await house.runs.wait(run.run_id, timeout=5)
    assert done.result["approved"] is True
    assert done.result["by"] == "boss"


async def test_program_asks_what_policy_would_say(house: Any) -> None:
    house.world.add("a", "checks")
    house.world.deny.add("tool_call::send")
    assert (await house.run("a")).result == [True, False]


async def test_events_of_an_agent_are_handled_in_order_and_once(house: Any) -> None:
    house.world.add("a", "on_event", mode="event_driven")
    for n in range(5):
        await house.runs.deliver("id-a", "tick", n, principal=LOCAL_ADMIN, event_id=f"e{n}")
    await house.runs.deliver("id-a", "tick", 0, principal=LOCAL_ADMIN, event_id="e0")
    for _ in range(300):
        if len(house.world.calls) == 5:
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    assert [call[1]["payload"] for call in house.world.calls] == [0, 1, 2, 3, 4]
    assert {run.trigger for run in await house.runs.list()} == {"event"}


async def test_event_that_fails_is_tried_again_then_given_up(open_house: Any) -> None:
    async with open_house(mailbox_tries=2) as house:
        house.world.add("a", "on_event", mode="event_driven")
        await house.runs.deliver("id-a", "tick", "bad", principal=LOCAL_ADMIN)
        await house.runs.deliver("id-a", "tick", "good", principal=LOCAL_ADMIN)
        for _ in range(300):
            if house.world.calls:
                break
            await asyncio.sleep(0.02)
        assert [run.status for run in reversed(await house.runs.list())][:2] == ["failed", "failed"]
        assert house.world.calls == [("echo", {"event": "tick", "payload": "good"})]


async def test_agent_that_takes_no_events_says_so(house: Any) -> None:
    house.world.add("a", "noop")
    with pytest.raises(Conflict):
        await house.runs.deliver("id-a", "tick", 1, principal=LOCAL_ADMIN)


async def test_running_agent_waits_for_an_event(house: Any) -> None:
    house.world.add("a", "waits_for_event", mode="persistent")
    run = await house.start("a")
    await house.until(run.run_id, "waiting")
    await house.runs.deliver("id-a", "other", 0, principal=LOCAL_ADMIN)
    await house.runs.deliver("id-a", "news", {"n": 1}, principal=LOCAL_ADMIN)
    done = await house.runs.wait(run.run_id, timeout=5)
    assert done.result["payload"] == {"n": 1}


async def test_waiting_for_an_event_ends_after_its_time(house: Any) -> None:
    house.world.add("a", "waits_for_event")
    assert (await house.run("a", {"seconds": 0.2})).result is None


async def test_every_task_of_parallel_passes_the_gate_before_any_starts(house: Any) -> None:
    house.world.add("parent", "parallels")
    house.world.add("good", "noop")
    house.world.add("bad", "noop")
    house.world.deny.add("delegate::bad")
    run = await house.run("parent", {"to": ["good", "bad"]})
    assert run.error["code"] == "policy_denied"
    assert [each.agent for each in await house.runs.list()] == ["parent"]


async def test_time_stands_while_a_person_is_asked(house: Any) -> None:
    house.world.add("a", "call_tool")
    house.world.hold.add("tool_call::echo")
    run = await house.start("a", timeout_seconds=0.6)
    await house.until(run.run_id, "waiting")
    await asyncio.sleep(1.0)
    house.world.resolve_approval("approved")
    assert (await house.runs.wait(run.run_id, timeout=5)).status == "completed"


async def test_spawned_run_takes_a_slot_and_outlives_its_parent(open_house: Any) -> None:
    async with open_house(max_running=1) as house:
        house.world.add("parent", "spawns")
        house.world.add("child", "noop")
        run = await house.run("parent", {"to": "child"})
        assert run.status == "completed"
        child = await house.runs.wait(run.result["run_id"], timeout=5)
        assert (child.status, child.result) == ("completed", {"arguments": {"message": "hi"}})


async def test_child_of_a_run_that_failed_is_not_begun(open_house: Any) -> None:
    async with open_house() as house:
        house.world.add("parent", "parallels")
        house.world.add("slow", "sleeps")
        run = await house.run("parent", {"to": ["slow", "slow"]}, timeout_seconds=0.4)
        assert run.error["code"] == "limit_wall"
        children = [each for each in await house.runs.list() if each.agent == "slow"]
        ended = [await house.runs.wait(child.run_id, timeout=5) for child in children]
        assert {child.status for child in ended} == {"terminated"}
