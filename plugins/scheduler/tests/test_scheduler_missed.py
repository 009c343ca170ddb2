"""R-MISS, R-BACK, §3.5: fires missed while the process was away, clocks that jump, ranges filled afterwards."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scheduler_world import ADMIN, StandIns, open_world

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import ScheduleOptions
from symbi.testing.clock import FakeClock
from symbi_scheduler.behaviour import behaviour_of, options_text
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.decide import Due, Verdict, decide
from symbi_scheduler.timing import TimingSpec, timing_of


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _verdict(expression: str, due: str, now: str, **options: Any) -> Verdict:
    how = behaviour_of(options_text(ScheduleOptions(overlap="allow", **options)), SchedulerConfig())
    row = Due("s-1", "cron", _ms(due), False, 0, None, 0, 0)
    return decide(row, timing_of(TimingSpec("cron", expression)), how, _ms(now))


def _shown(verdict: Verdict, state: str = "queued") -> list[str]:
    return [
        datetime.fromtimestamp(each.scheduled_for / 1000, UTC).strftime("%H:%M")
        for each in verdict.planned
        if each.state == state
    ]


@pytest.mark.parametrize(
    ("options", "runs", "on_run", "summary"),
    [
        ({"catchup": "skip"}, ["10:21"], 0, 111),
        ({"catchup": "latest"}, ["10:21"], 111, 0),
        ({"catchup": "earliest"}, ["09:22"], 111, 0),
        ({"catchup": "all", "catchup_window_seconds": 200}, ["10:19", "10:20", "10:21"], 0, 109),
    ],
)
def test_the_table_of_112_missed_fires(options: dict[str, Any], runs: list[str], on_run: int, summary: int) -> None:
    verdict = _verdict("0 * * * * *", "2026-01-01T08:30:00", "2026-01-01T10:21:30", **options)
    assert _shown(verdict) == runs
    assert sum(each.missed for each in verdict.planned if each.state == "queued") == on_run
    missed = [each for each in verdict.planned if each.state == "missed"]
    assert sum(each.missed for each in missed) == summary
    assert verdict.next_due == _ms("2026-01-01T10:22:00")
    if missed:
        assert (_shown(verdict, "missed"), missed[0].reason != "") == (["08:30"], True)


def test_all_within_a_day_keeps_the_newest_hundred() -> None:
    verdict = _verdict(
        "0 * * * * *", "2026-01-01T08:30:00", "2026-01-01T10:21:30", catchup="all", catchup_window_seconds=86400
    )
    runs = _shown(verdict)
    assert (len(runs), runs[0], runs[-1]) == (100, "08:42", "10:21")
    (summary,) = (each for each in verdict.planned if each.state == "missed")
    assert summary.missed == 12
    assert datetime.fromtimestamp((summary.last or 0) / 1000, UTC).strftime("%H:%M") == "08:41"


@pytest.mark.parametrize("catchup", ["skip", "latest", "earliest", "all"])
def test_a_clock_ten_years_ahead_costs_milliseconds(catchup: str) -> None:
    _verdict("* * * * * *", "2026-01-01T00:00:00", "2026-01-01T00:00:00", catchup=catchup)
    started = time.perf_counter()
    verdict = _verdict(
        "* * * * * *", "2026-01-01T00:00:00", "2036-01-01T00:00:00", catchup=catchup, misfire_grace_seconds=0
    )
    assert time.perf_counter() - started < 0.05
    assert len(verdict.planned) <= 101
    assert sum(each.missed for each in verdict.planned) + len(_shown(verdict)) == 3652 * 86400 + 1


def test_short_delays_run_every_fire() -> None:
    verdict = _verdict("* * * * * *", "2026-01-01T00:00:00", "2026-01-01T00:00:05")
    assert len(_shown(verdict)) == 6
    assert not [each for each in verdict.planned if each.missed]


async def test_a_restart_after_downtime_catches_up_once_and_says_so(tmp_path: Path) -> None:
    stand_ins, clock = StandIns(), FakeClock()
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        ident = await world.make(cron_expression="0 0 * * * *")
        await world.advance(3600, step=1800)
        assert len(world.runs.starts) == 1
    await clock.advance(5.5 * 3600)
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock) as world:
        await world.advance(5)
        fires = await world.history(ident)
        assert [(fire.status, fire.trigger) for fire in fires] == [("completed", "cron"), ("completed", "catchup")]
        assert (fires[1].missed_count, fires[1].scheduled_for / 1000) == (4, world.base - 1805)


async def test_a_clock_set_back_fires_nothing_twice(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make()
        await world.advance(300, step=20)
        before = [fire.scheduled_for for fire in await world.history(ident)]
        world.clock.jump(-180)
        await world.advance(400, step=20)
        after = [fire.scheduled_for for fire in await world.history(ident)]
        assert len(before) == 5
        assert len(set(after)) == len(after)
        assert world.scheduler.keeper.jumps == 1


async def test_resume_does_not_count_the_pause_unless_asked(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(options=ScheduleOptions(catchup="all"))
        for catch_up, expected in ((False, 0), (True, 10)):
            started = len(world.runs.starts)
            await world.scheduler.pause(ident, principal=ADMIN)
            await world.advance(601, step=100)
            assert len(world.runs.starts) == started
            await world.scheduler.resume(ident, principal=ADMIN, catch_up=catch_up)
            await world.advance(1)
            assert len(world.runs.starts) - started == (1 if expected else 0)  # one at a time; the others were skipped
            fires = await world.history(ident)
            assert sum(fire.trigger == "catchup" for fire in fires) == expected


async def test_r_back_fills_what_never_ran_and_only_that(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 3, 12, tzinfo=UTC))
    async with open_world(tmp_path, clock=clock) as world:
        ident = await world.make(cron_expression="0 0 9 * * *", timezone="America/New_York")
        given = {"start": _ms("2026-03-07T00:00:00"), "end": _ms("2026-03-10T00:00:00"), "principal": ADMIN}
        dry = await world.scheduler.backfill(ident, dry_run=True, **given)
        expected = [_ms("2026-03-07T14:00:00"), _ms("2026-03-08T13:00:00"), _ms("2026-03-09T13:00:00")]
        assert list(dry.scheduled) == expected
        assert await world.history(ident) == []
        await world.scheduler.backfill(ident, **given)
        again = await world.scheduler.backfill(ident, **given)
        assert (again.scheduled, again.already_there) == ((), 3)
        await world.advance(3)
        fires = await world.history(ident)
        assert sorted((fire.scheduled_for, fire.trigger, fire.status) for fire in fires) == [
            (each, "backfill", "completed") for each in expected
        ]
        with pytest.raises(InvalidRequest):
            await world.scheduler.backfill(ident, start=given["end"], end=given["start"], principal=ADMIN)
        with pytest.raises(InvalidRequest):
            await world.scheduler.backfill(ident, start=given["start"], end=_ms("2027-01-01T00:00:00"), principal=ADMIN)


async def test_a_day_of_virtual_time_has_no_drift(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(every_seconds=600)
        zero = world.base
        await world.advance(86_400 / 4, step=600)
        due = sorted(fire.scheduled_for / 1000 - zero for fire in await world.history(ident))
        assert due == [600 * place for place in range(1, 37)]
