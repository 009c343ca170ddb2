"""The life of a run: started, carried out, ended; what is asked of the gate; what the journal holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from symbi.contracts.definitions import Parameter
from symbi.contracts.errors import (
    Conflict,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    PolicyDenied,
)
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.runs import RunEnded, RunOptions, RunStarted


async def test_noop_run_completes_with_a_whole_journal(house: Any) -> None:
    house.world.add("a", "noop")
    run = await house.run("a", {"x": 1})
    assert (run.status, run.result, run.error) == ("completed", {"arguments": {"x": 1}}, None)
    events = [event async for event in house.runs.events(run.run_id)]
    assert [event.kind for event in events] == ["queued", "claimed", "started", "completed"]
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert run.usage.wall_ms is not None
    assert run.usage.effects == 0
    assert run.usage.tokens is None


async def test_run_in_a_child_process(open_house: Any) -> None:
    async with open_house(executor="process") as house:
        house.world.add("a", "call_tool")
        run = await house.run("a")
        assert (run.status, run.result) == ("completed", {"tool": "echo", "x": 1})
        assert run.usage.cpu_seconds is not None
        assert run.usage.peak_memory_bytes


async def test_unknown_agent_and_bad_input_are_refused_before_anything_is_stored(house: Any) -> None:
    house.world.add("a", "noop", parameters=[Parameter(name="n", type="Int", schema={"type": "integer"})])
    with pytest.raises(NotFound):
        await house.start("nobody")
    with pytest.raises(InvalidRequest, match="needs n"):
        await house.start("a", {})
    with pytest.raises(InvalidRequest, match="n: "):
        await house.start("a", {"n": "text"})
    with pytest.raises(PayloadTooLarge):
        await house.start("a", {"n": 1, "more": "x" * 2_000_000})
    assert await house.runs.list() == []
    assert (await house.run("a", 5)).result == {"arguments": {"n": 5}}


async def test_external_agent_cannot_be_run_here(house: Any) -> None:
    house.world.add("a", "noop", mode="external")
    with pytest.raises(Conflict):
        await house.start("a")


async def test_gate_decides_who_may_run_an_agent(house: Any) -> None:
    """POL-40: agent execute."""
    house.world.add("a", "noop")
    house.world.deny.add("agent_execute::a")
    with pytest.raises(PolicyDenied):
        await house.start("a")
    assert await house.runs.list() == []


async def test_tool_passes_the_gate_and_is_journaled(house: Any) -> None:
    """POL-50, RSN-40: the decision and the effect are both in the journal, in order."""
    house.world.add("a", "call_tool")
    run = await house.run("a")
    assert run.result == {"tool": "echo", "x": 1}
    assert await house.kinds(run.run_id) == ["queued", "claimed", "started", "gate", "effect", "completed"]
    asked = house.world.requests[-1]
    assert (asked.label(), asked.source, asked.agent.name, asked.principal.id) == (
        "tool_call::echo",
        "program",
        "a",
        "local",
    )
    assert run.usage.effects == 1


async def test_denied_tool_has_no_effect_and_fails_the_run(house: Any) -> None:
    house.world.add("a", "call_tool")
    house.world.deny.add("tool_call::echo")
    run = await house.run("a")
    assert (run.status, run.error["code"]) == ("failed", "policy_denied")
    assert house.world.calls == []
    assert run.usage.denials == 1
    gate = [event async for event in house.runs.events(run.run_id, follow=False) if event.kind == "gate"]
    assert gate[0].data["decision"] == "deny"
    assert gate[0].data["line"] == 3


async def test_denial_can_be_caught_by_the_program(house: Any) -> None:
    house.world.add("a", "catches")
    house.world.deny.add("tool_call::echo")
    assert (await house.run("a")).result == {"denied": "tool_call::echo is forbidden"}


async def test_unknown_tool_is_refused_before_the_gate(house: Any) -> None:
    """A-28: arguments are checked against the schema before the gate."""
    house.world.add("a", "call_tool")
    run = await house.run("a", {"tool": "nothing"})
    assert (run.status, run.error["code"]) == ("failed", "NOT_FOUND")
    assert all(request.action == "agent_execute" for request in house.world.requests)


@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [
        ("remember", "no_handler", "symbi-context"),
        ("reason", "no_handler", "symbi-reasoning"),
        ("fly", "unknown_effect", "fly"),
    ],
)
async def test_effect_that_nobody_carries_out_names_what_to_install(
    house: Any, kind: str, code: str, word: str
) -> None:
    house.world.add("a", "unknown")
    run = await house.run("a", {"kind": kind})
    assert (run.status, run.error["code"]) == ("failed", code)
    assert word in run.error["message"]


async def test_own_effects_and_masked_journal(house: Any) -> None:
    house.world.add("a", "clock")
    run = await house.run("a")
    assert run.result["now"] > 1_600_000_000_000
    assert len(run.result["id"]) == 36
    logs = [event.data async for event in house.runs.events(run.run_id, follow=False) if event.kind == "log"]
    assert logs[0]["line"] == 2
    assert "hunter22" not in str(logs)
    assert "sk-1234" not in str(logs)


async def test_failure_is_failed_with_its_reason(house: Any) -> None:
    """F-10."""
    house.world.add("a", "fails_for_good")
    run = await house.run("a")
    assert (run.status, run.error["code"], run.attempt) == ("failed", "program_error", 1)


async def test_retryable_failure_is_tried_again_with_back_off(house: Any) -> None:
    house.world.add("a", "fails_twice")
    run = await house.run("a", max_attempts=3)
    assert (run.status, run.result, run.attempt) == ("completed", 3, 3)
    assert (await house.kinds(run.run_id)).count("retry") == 2


async def test_attempts_end(house: Any) -> None:
    house.world.add("a", "fails")
    run = await house.run("a", max_attempts=2)
    assert (run.status, run.error["code"], run.attempt) == ("failed", "away", 2)


async def test_persistent_agent_is_restarted_then_given_up(open_house: Any) -> None:
    """Mode persistent: back-off, at most so many restarts in the window, then failed."""
    async with open_house(restarts=3) as house:
        house.world.add("a", "fails_for_good", mode="persistent")
        run = await house.run("a")
        assert (run.status, run.attempt) == ("failed", 4)
        assert "3 restarts" in run.error["message"]


async def test_persistent_agent_whose_body_ends_is_completed(house: Any) -> None:
    house.world.add("a", "noop", mode="persistent")
    assert (await house.run("a")).status == "completed"


async def test_same_key_starts_once_and_another_input_is_refused(house: Any) -> None:
    """F-35."""
    house.world.add("a", "noop")
    first, second = await asyncio.gather(
        house.start("a", {"x": 1}, idempotency_key="k"), house.start("a", {"x": 1}, idempotency_key="k")
    )
    assert first.run_id == second.run_id
    with pytest.raises(IdempotencyMismatch):
        await house.start("a", {"x": 2}, idempotency_key="k")
    assert len(await house.runs.list()) == 1


async def test_cancel_ends_a_running_run(house: Any) -> None:
    house.world.add("a", "sleeps")
    run = await house.start("a")
    await house.until(run.run_id, "running")
    await house.runs.cancel(run.run_id, principal=LOCAL_ADMIN, reason="enough")
    ended = await house.runs.wait(run.run_id, timeout=5)
    assert ended.status == "terminated"
    assert ended.error == {"code": "cancelled", "message": "enough", "by": "local"}
    with pytest.raises(Conflict):
        await house.runs.cancel(run.run_id, principal=LOCAL_ADMIN)


async def test_cancel_of_a_queued_run_never_starts_it(open_house: Any) -> None:
    async with open_house(max_running=1) as house:
        house.world.add("a", "sleeps")
        first, second = await house.start("a"), await house.start("a")
        await house.until(first.run_id, "running")
        await house.runs.cancel(second.run_id, principal=LOCAL_ADMIN)
        assert (await house.runs.get(second.run_id)).status == "terminated"
        assert await house.kinds(second.run_id) == ["queued", "terminated"]
        await house.runs.cancel(first.run_id, principal=LOCAL_ADMIN)


async def test_timeout_of_a_run(house: Any) -> None:
    house.world.add("a", "sleeps")
    run = await house.run("a", timeout_seconds=0.3)
    assert (run.status, run.error["code"]) == ("failed", "limit_wall")


async def test_too_many_effects_fail_the_run(open_house: Any) -> None:
    async with open_house(max_effects=50) as house:
        house.world.add("a", "flood")
        run = await house.run("a")
        assert (run.status, run.error["code"]) == ("failed", "limit_effects")


async def test_sandbox_that_is_not_there_is_refused_not_weakened(house: Any) -> None:
    house.world.add("a", "noop", sandbox="tier2")
    run = await house.run("a")
    assert (run.status, run.error["code"]) == ("failed", "unavailable")
    assert "tier2" in run.error["message"]


async def test_run_that_can_never_fit_fails_with_a_reason(open_house: Any) -> None:
    async with open_house(memory_bytes=1 << 30) as house:
        house.world.add("a", "noop", max_memory_mb=4096)
        run = await house.run("a")
        assert (run.status, run.error["code"]) == ("failed", "unschedulable")


async def test_definition_for_one_run_touches_no_agent(house: Any) -> None:
    """F-09."""
    before = dict(house.world.agents)
    run = await house.run("whatever", {"x": 1}, definition="noop")
    assert (run.status, run.agent) == ("completed", "adhoc")
    assert run.agent_id.startswith("adhoc:")
    assert house.world.agents == before


async def test_bus_events_tell_of_begin_and_end(house: Any) -> None:
    seen: list[Any] = []

    async def take(event: Any) -> None:
        seen.append(event)

    house.kernel.events.subscribe(RunStarted, take)
    house.kernel.events.subscribe(RunEnded, take)
    house.world.add("a", "noop")
    run = await house.run("a", origin={"channel": "c1"})
    await asyncio.sleep(0.1)
    assert [type(event).__name__ for event in seen] == ["RunStarted", "RunEnded"]
    assert seen[1].run.run_id == run.run_id
    assert seen[1].origin == {"channel": "c1"}


async def test_followers_see_what_comes_and_can_go_on_from_a_number(house: Any) -> None:
    house.world.add("a", "three_tools")
    run = await house.start("a")
    whole = [event async for event in house.runs.events(run.run_id)]
    assert whole[-1].kind == "completed"
    assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
    rest = [event async for event in house.runs.events(run.run_id, after=whole[2].seq)]
    assert rest == whole[3:]


async def test_list_filters_and_pages(house: Any) -> None:
    house.world.add("a", "noop")
    house.world.add("b", "fails_for_good")
    for name in ("a", "a", "b"):
        await house.run(name, schedule_id=f"s-{name}")
    assert len(await house.runs.list(agent_id="id-a")) == 2
    assert [run.agent for run in await house.runs.list(status=("failed",))] == ["b"]
    assert len(await house.runs.list(schedule_id="s-a", limit=1)) == 1
    newest = (await house.runs.list())[0]
    assert all(run.created_at < newest.created_at for run in await house.runs.list(before=newest.created_at))


async def test_live_runs_are_real(open_house: Any) -> None:
    async with open_house(executor="process") as house:
        house.world.add("a", "sleeps")
        run = await house.start("a")
        await house.until(run.run_id, "running")
        await asyncio.sleep(0.5)
        live = (await house.runs.live("id-a"))[0]
        assert live.status == "running"
        assert live.pid
        assert live.healthy
        assert live.memory_bytes is not None
        assert live.memory_bytes > 1_000_000
        assert await house.runs.heartbeat("id-a") == 1
        await house.runs.stop_agent("id-a", principal=LOCAL_ADMIN, reason="deleted")
        assert list(await house.runs.live("id-a")) == []
        assert await house.runs.heartbeat("id-a") == 0


async def test_figures_are_real(house: Any) -> None:
    from symbi_runs.figures import load_balancer, task_manager

    house.world.add("a", "noop")
    house.world.add("b", "fails_for_good")
    await asyncio.gather(*(house.run(name) for name in ("a", "a", "b")))
    context = house.kernel.context_for("runs")
    counts = await task_manager(context)
    assert (counts["completed_tasks"], counts["failed_tasks"], counts["running_tasks"]) == (2, 1, 0)
    balance = await load_balancer(context)
    assert balance["active_workers"] == 0
    assert balance["total_workers"] == 64
    assert balance["requests_per_second"] > 0


async def test_slots_are_free_again_after_many_runs(open_house: Any) -> None:
    """F-31: whatever way runs end, the pool is full again."""
    async with open_house(max_running=8) as house:
        house.world.add("a", "noop")
        house.world.add("b", "fails_for_good")
        before = house.runs.node.pool.free
        await asyncio.gather(*(house.run("a" if n % 3 else "b") for n in range(200)))
        await house.runs.node.idle()
        assert house.runs.node.pool.free == before
        assert house.runs.engine.queue.active == 0


async def test_program_that_kills_its_process_is_crashed_and_others_go_on(open_house: Any) -> None:
    async with open_house(executor="process") as house:
        house.world.add("a", "crashes")
        house.world.add("b", "noop")
        bad, good = await asyncio.gather(house.run("a"), house.run("b"))
        assert (bad.status, bad.error["code"], bad.error["signal"]) == ("failed", "crashed", 9)
        assert good.status == "completed"


async def test_options_survive_the_store(house: Any) -> None:
    house.world.add("a", "noop")
    run = await house.run("a", priority="high", session="s1", policy_ids=("p0",), scheduled_for=123, schedule_id="s")
    assert (run.scheduled_for, run.schedule_id) == (123, "s")
    assert RunOptions(session="s1") != RunOptions()


async def test_policies_that_must_allow_the_run_are_asked(house: Any) -> None:
    house.world.add("a", "noop")
    with pytest.raises(PolicyDenied, match="p7"):
        await house.start("a", policy_ids=("p0", "p7"))
    assert (await house.run("a", policy_ids=("p0",))).status == "completed"


async def test_journal_holds_no_secret(house: Any) -> None:
    house.world.add("a", "leaks")
    for given in ({}, {"fail": True}):
        run = await house.run("a", given)
        events = str([event.data async for event in house.runs.events(run.run_id, follow=False)])
        assert "abcdefghijklmnop" not in events
        assert "hunter22" not in events + str(run.error)
    assert (await house.run("a")).result == {"api_key": "sk-abcdefghijklmnopqrstuvwx"}
