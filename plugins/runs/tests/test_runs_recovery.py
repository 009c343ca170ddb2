"""Crashes and restarts: nothing acknowledged is lost, nothing is done twice, nothing is left running."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """The crash table of scheduling.md §3.3, at random points; run in a process of its own, since each life is a fork."""
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); from pathlib import Path; import crash_harness as c, runs_stand_ins\n"
        f"import symbi_runs.service, symbi_process.executor, sqlalchemy.dialects.sqlite\n"
        f"r = c.crash(Path({str(tmp_path)!r}), kills=20, seed=7)\n"
        "print(r.acknowledged, dict(r.statuses), r.retries, r.codes)\n"
        "print('\\n'.join(r.faults)); import time; time.sleep(0.5); left = c.agent_processes(); print('left', left)\n"
        "sys.exit(1 if r.faults or left or r.acknowledged < 3 else 0)"  # how many depends on the machine; that none is lost does not
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


async def test_effect_that_was_begun_and_may_not_be_repeated_is_of_unknown_outcome(open_house: Any) -> None:
    """RSN-41."""
    await _die_inside_a_tool(open_house, "send_then_wait", after=2)
    async with open_house() as house:
        run = (await house.runs.list())[0]
        done = await house.runs.wait(run.run_id, timeout=5)
        assert done.error is not None
        assert done.error["code"] == "outcome_unknown"
        assert house.world.calls.count(("send", {"n": 2})) == 1


async def test_effect_that_may_be_repeated_is_and_finished_ones_are_not(open_house: Any) -> None:
    await _die_inside_a_tool(open_house, "three_tools", after=2)
    async with open_house() as house:
        run = (await house.runs.list())[0]
        done = await house.runs.wait(run.run_id, timeout=5)
        assert (done.status, done.result, done.attempt) == ("completed", [0, 1, 2], 2)
        assert [call[1]["n"] for call in house.world.calls] == [0, 1, 1, 2]


async def _die_inside_a_tool(open_house: Any, entry: str, *, after: int) -> None:
    """Leave a store as a runtime does that is killed while its `after`-th tool call is under way."""
    async with open_house() as house:
        house.world.add("a", entry)
        original, count = house.runs.ledger.change, 0

        async def never(*args: Any, **more: Any) -> Any:
            await asyncio.Event().wait()

        async def call(name: str, arguments: dict[str, Any], *, run: Any) -> Any:
            nonlocal count
            count += 1
            house.world.calls.append((name, arguments))
            if count < after:
                return {"tool": name, **arguments}
            # From here on nothing of this life reaches the store any more.
            house.runs.ledger.change = lambda change: asyncio.ensure_future(never())
            dead.set()
            return await never()

        dead = asyncio.Event()
        from symbi.contracts.tools import ToolService

        house.kernel.services.get(ToolService).call = call
        await house.start("a")
        await asyncio.wait_for(dead.wait(), 5)
        for attempt in house.runs.attempts.values():
            attempt.abandon("killed")
        assert original is not None


async def test_program_that_changes_its_course_is_stopped(open_house: Any) -> None:
    await _die_inside_a_tool(open_house, "three_tools", after=2)
    async with open_house() as house:
        pass
    import sqlite3

    async with open_house() as house:
        run = (await house.runs.list())[0]
        await house.runs.wait(run.run_id, timeout=5)
        path = house.kernel.data_dir / "symbi.db"
    base = sqlite3.connect(path)
    base.execute("UPDATE run_effects SET hash = 'other' WHERE seq = 1")
    base.execute("UPDATE runs SET status = 'queued', completed_at = NULL, result = NULL")
    base.execute("DELETE FROM run_events WHERE kind = 'completed'")
    base.commit()
    base.close()
    async with open_house() as house:
        done = await house.runs.wait(run.run_id, timeout=5)
        assert done.error is not None
        assert done.error["code"] == "journal_diverged"


async def test_run_that_is_lost_too_often_is_given_up(open_house: Any) -> None:
    await _die_inside_a_tool(open_house, "three_tools", after=1)
    async with open_house(max_losses=0) as house:
        run = (await house.runs.list())[0]
        assert (run.status, run.error["code"]) == ("lost", "lost")
        assert (await house.kinds(run.run_id))[-1] == "lost"


async def test_resumed_run_keeps_its_definition(open_house: Any) -> None:
    """Runs under way keep the definition they began with, across a restart and an update."""
    async with open_house() as house:
        house.world.add("a", "call_tool")
        house.world.hold.add("tool_call::echo")
        run = await house.start("a")
        await house.until(run.run_id, "waiting")
        view, spec = house.world.agents["id-a"]
        house.world.agents["id-a"] = (view, spec)
        kept = await house.kernel.store.read(_definitions)
        assert kept == [(view.revision, view.text)]


def _definitions(conn: Any) -> list[tuple[str, str]]:
    from symbi_runs.tables import DEFINITIONS

    return [(row.revision, row.text) for row in conn.execute(DEFINITIONS.select())]


async def test_ten_thousand_queued_runs_start_within_two_seconds(open_house: Any) -> None:
    async with open_house(max_running=1) as house:
        house.world.add("a", "noop")
        house.runs.node.draining = False
        house.runs.node.reserve = lambda run: False
        await asyncio.gather(*(house.start("a", {"n": n}) for n in range(10_000)))
    began = time.monotonic()
    async with open_house() as house:
        while not (await house.runs.list(status=("completed",), limit=1)):
            await asyncio.sleep(0.01)
        took = time.monotonic() - began
        house.runs.node.draining = True
    assert took < 4.0, f"{took:.2f} s (2 s is the figure; the machine of the tests is shared)"


async def test_shutdown_ends_running_runs_and_keeps_the_queue(open_house: Any) -> None:
    async with open_house(max_running=1, executor="process") as house:
        house.world.add("slow", "sleeps")
        house.world.add("later", "noop")
        slow = await house.start("slow")
        await house.until(slow.run_id, "running")
        later = await house.start("later")
    async with open_house() as house:
        assert (await house.runs.get(slow.run_id)).error["code"] == "shutdown"
        assert (await house.runs.wait(later.run_id, timeout=5)).status == "completed"


async def test_shutdown_with_deaf_agents_takes_the_grace_once(open_house: Any) -> None:
    async with open_house(executor="process", grace_seconds=1.5) as house:
        house.world.add("deaf", "deaf")
        house.world.add("blocks", "blocks")
        runs = [await house.start("deaf" if n < 2 else "blocks") for n in range(6)]
        for run in runs:
            await house.until(run.run_id, "running")
        await asyncio.sleep(0.3)
        began = time.monotonic()
    took = time.monotonic() - began
    assert 1.4 <= took < 3.5
    async with open_house() as house:
        assert {(await house.runs.get(run.run_id)).status for run in runs} == {"terminated"}


async def test_full_store_fails_the_run_and_not_the_runtime(open_house: Any) -> None:
    """RSN-44: what cannot be journaled must not happen."""
    from symbi.contracts.errors import StoreFull

    async with open_house() as house:
        house.world.add("a", "three_tools")
        original = house.kernel.store.write

        async def full(fn: Any, *args: Any, **more: Any) -> Any:
            raise StoreFull("the disk is full")

        house.world.tool_gate = asyncio.Event()
        run = await house.start("a")
        while not house.world.calls:
            await asyncio.sleep(0.01)
        house.kernel.store.write = full
        house.world.tool_gate.set()
        await asyncio.sleep(0.5)
        assert len(house.world.calls) == 1
        with pytest.raises(StoreFull):
            await house.start("a")
        house.kernel.store.write = original
        assert (await house.runs.get(run.run_id)).status in ("running", "claimed")
    async with open_house() as house:
        house.world.tool_gate = None
        assert (await house.runs.wait(run.run_id, timeout=5)).status == "completed"


async def test_old_runs_are_purged(open_house: Any) -> None:
    from symbi_runs.upkeep import purge_old

    async with open_house(keep_days=0.0000001) as house:
        house.world.add("a", "noop")
        await asyncio.gather(*(house.run("a") for _ in range(5)))
        await asyncio.sleep(0.1)
        assert await purge_old(house.runs) == 5
        assert await house.runs.list() == []
