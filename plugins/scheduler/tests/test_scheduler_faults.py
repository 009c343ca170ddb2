"""§3.3, §3.5: a store that fails, figures that stay true, changes of time zone data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scheduler_world import ADMIN, StandIns, open_world

from symbi.contracts.errors import StoreFull
from symbi.kernel.context import PluginContext
from symbi.testing.clock import FakeClock
from symbi_scheduler.figures import collect, collect_fires
from symbi_scheduler.firing import fire_due
from symbi_scheduler.tables import SCHEDULES


async def test_a_full_disk_fires_nothing_half_way_and_recovers(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make()
        write, full = world.kernel.store.write_committed, True

        async def failing(fn: Any, *args: Any, **options: Any) -> Any:
            if full and fn is fire_due:
                raise StoreFull("the disk is full")
            return await write(fn, *args, **options)

        world.kernel.store.write_committed = failing
        await world.advance(62, step=1)
        assert (await world.scheduler.health()).state == "unhealthy"
        assert (await world.scheduler.figures()).is_running is False
        assert await world.history(ident) == []
        full = False
        await world.advance(3)
        assert (await world.scheduler.health()).state == "healthy"
        assert [fire.status for fire in await world.history(ident)] == ["completed"]


async def test_the_metrics_block_has_the_seeds_seven_figures(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.make()
        paused = await world.make(name="paused")
        await world.scheduler.pause(paused, principal=ADMIN)
        await world.advance(61, step=30)
        context: PluginContext = world.kernel.context_for("scheduler")
        assert await collect(context) == {
            "total_jobs": 2,
            "active_jobs": 1,
            "paused_jobs": 1,
            "failed_jobs": 0,
            "total_runs": 1,
            "successful_runs": 1,
            "dead_letter_count": 0,
        }
        fires = await collect_fires(context)
        assert (fires["recorded"], fires["lateness_buckets"]["0.001"], fires["clock_jumps"]) == (1, 1, 0)


async def test_tz3_new_zone_data_moves_the_next_fire_at_the_start(tmp_path: Path) -> None:
    stand_ins, clock = StandIns(), FakeClock()
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        ident = await world.make(cron_expression="0 0 9 * * *", timezone="America/New_York")
        right = (await world.scheduler.get(ident)).next_run

        def older(conn: Any) -> None:
            conn.execute(SCHEDULES.update().values(zone_data="2020.1", next_due=right + 3_600_000))

        await world.kernel.store.write(older)
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        assert (await world.scheduler.get(ident)).next_run == right


async def test_counters_are_made_true_again_at_the_start(tmp_path: Path) -> None:
    stand_ins, clock = StandIns(), FakeClock()
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        ident = await world.make()
        await world.kernel.store.write(
            lambda conn: conn.execute(SCHEDULES.update().values(active=7, waiting=2)).rowcount
        )
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        await world.advance(61, step=30)
        assert [fire.status for fire in await world.history(ident)] == ["completed"]


async def test_a_run_under_way_when_the_process_died_is_settled_after_the_restart(tmp_path: Path) -> None:
    stand_ins, clock = StandIns(), FakeClock()
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        world.runs.seconds = None
        ident = await world.make(cron_expression="0 0 * * * *")
        await world.advance(3600, step=3600)
        assert [fire.status for fire in await world.history(ident)] == ["running"]
    assert stand_ins.runs is not None
    stand_ins.runs.end("run-1", tell=False)
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        await world.advance(6)
        assert [fire.status for fire in await world.history(ident)] == ["completed"]


async def test_a_run_that_is_gone_from_the_store_is_lost_and_tried_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.seconds = None
        ident = await world.make(cron_expression="0 0 * * * *")
        await world.advance(3600, step=3600)
        world.runs.runs.clear()
        world.runs.seconds = 0.0
        await world.advance(9)
        assert [fire.status for fire in await world.history(ident)] == ["lost", "completed"]


@pytest.mark.parametrize("enabled", [False])
async def test_a_disabled_scheduler_keeps_and_does_not_fire(tmp_path: Path, enabled: bool) -> None:
    async with open_world(tmp_path, enabled=enabled) as world:
        ident = await world.make()
        await world.advance(120, step=60)
        assert await world.history(ident) == []
        assert (await world.scheduler.figures()).is_running is False
        assert (await world.scheduler.health()).state == "degraded"
