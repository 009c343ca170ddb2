"""R-DECL: blocks in files are schedules by their key; starting again makes nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scheduler_world import ADMIN, StandIns, open_world

from symbi.contracts.errors import Conflict
from symbi.contracts.principal import Principal
from symbi.contracts.scheduling import ScheduleChange
from symbi.testing.clock import FakeClock

OWNER = Principal(id="system:agent-folder", kind="system", admin=True)


def block(name: str, **changes: Any) -> dict[str, Any]:
    """A declaration as the agents folder hands it over."""
    return {
        "name": name, "key": f"a.symbi#{name}", "line": 3, "cron": "0 0 9 * * *", "cron_source": "0 9 * * *", "at": None, "timezone": "UTC",
        "agent": "a", "policies": [], "conditions": {}, "audit": None, "one_shot": False, "delivery": [], "options": {}, **changes,
    }  # fmt: skip


async def test_ten_starts_leave_one_schedule_per_block(tmp_path: Path) -> None:
    stand_ins, clock = StandIns(), FakeClock()
    seen = set()
    for _ in range(10):
        async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
            assert (
                await world.scheduler.reconcile("file:a.symbi", "schedule", [block("one"), block("two")], owner=OWNER)
                == []
            )
            seen.add(tuple(sorted(view.id for view in await world.scheduler.list())))
    assert len(seen) == 1
    assert len(next(iter(seen))) == 2


async def test_an_edited_block_keeps_id_and_history_and_a_removed_one_is_archived(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        own = await world.make(name="made over the api")
        await world.scheduler.reconcile(
            "file:a.symbi", "schedule", [block("one", cron="0 * * * * *"), block("two")], owner=OWNER
        )
        first = next(view for view in await world.scheduler.list() if view.name == "one")
        await world.advance(61, step=30)
        await world.scheduler.reconcile(
            "file:a.symbi", "schedule", [block("one", cron="0 30 * * * *", line=9)], owner=OWNER
        )
        again = await world.scheduler.get(first.id)
        assert (again.expression, len(await world.history(first.id))) == ("0 30 * * * *", 1)
        assert {view.name for view in await world.scheduler.list()} == {"made over the api", "one"}
        assert (await world.scheduler.get(own)).key is None
        await world.scheduler.reconcile("file:a.symbi", "schedule", [], owner=OWNER)
        assert [view.name for view in await world.scheduler.list()] == ["made over the api"]
        await world.scheduler.reconcile("file:a.symbi", "schedule", [block("one")], owner=OWNER)
        assert len(await world.scheduler.list()) == 2


async def test_a_faulty_block_is_named_and_keeps_what_was(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.scheduler.reconcile("file:a.symbi", "schedule", [block("one"), block("two")], owner=OWNER)
        faults = await world.scheduler.reconcile(
            "file:a.symbi",
            "schedule",
            [block("one", cron="60 * * * * *"), block("two", agent="nobody"), block("three")],
            owner=OWNER,
        )
        assert [fault.partition(":")[0] for fault in faults] == ["schedule 'one' (line 3)", "schedule 'two' (line 3)"]
        assert sorted(view.name for view in await world.scheduler.list()) == ["one", "three", "two"]


async def test_options_of_a_block_are_taken(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        options = {
            "max_retries": 1,
            "max_concurrent": 2,
            "max_jitter": 5,
            "session_mode": "fully_ephemeral",
            "dst_gap": "shift",
        }
        faults = await world.scheduler.reconcile(
            "file:a.symbi", "schedule", [block("one", options=options, policies=["p"])], owner=OWNER
        )
        (view,) = await world.scheduler.list()
        assert faults == []
        assert (view.options.max_retries, view.options.jitter_seconds, view.dst_gap, view.policy_ids) == (
            1,
            5,
            "shift",
            ("p",),
        )
        wrong = await world.scheduler.reconcile(
            "file:a.symbi", "schedule", [block("one", options={"max_retries": "many"})], owner=OWNER
        )
        assert len(wrong) == 1
        with pytest.raises(Conflict):
            await world.scheduler.update(view.id, ScheduleChange(timezone="UTC"), principal=ADMIN)
        with pytest.raises(Conflict):
            await world.scheduler.delete(view.id, principal=ADMIN)


async def test_an_at_block_fires_once_over_restarts(tmp_path: Path) -> None:
    stand_ins, clock = StandIns(), FakeClock()
    once = block("once", cron=None, at="2026-01-01T00:01:00", timezone="UTC")
    for _ in range(3):
        async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
            assert await world.scheduler.reconcile("file:a.symbi", "schedule", [once], owner=OWNER) == []
            await world.advance(61, step=30)
    assert stand_ins.runs is not None
    assert len(stand_ins.runs.starts) == 1
