"""§3.4: several nodes on one PostgreSQL, no leader: kills, a frozen node, a skewed clock; and the same behaviour as on SQLite."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from scheduler_world import World, open_world

from symbi.contracts.delivery import DeliverySpec
from symbi.contracts.scheduling import ScheduleOptions
from symbi.testing.clock import FakeClock
from symbi.testing.postgres import PrivatePostgres, find_binaries

pytestmark = pytest.mark.postgres
CHILD = Path(__file__).with_name("scheduler_child.py")


def start(folder: Path, url: str, schedules: int) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), url, str(schedules)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def own_time(world: World) -> None:
    """Let the test's clock decide, not the database's."""
    world.scheduler.keeper.remote = False
    world.scheduler.keeper.offset = 0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_three_nodes_with_kills_and_a_frozen_one_record_each_fire_once(tmp_path: Path, postgres_url: str) -> None:
    nodes = [start(tmp_path, postgres_url, 100), *(start(tmp_path, postgres_url, 0) for _ in range(2))]
    try:
        time.sleep(1.0)
        nodes[0].kill()
        nodes[1].send_signal(signal.SIGSTOP)
        time.sleep(3.5)  # longer than the lease of three seconds
        nodes[1].send_signal(signal.SIGCONT)
        nodes.append(start(tmp_path, postgres_url, 0))
        time.sleep(2.5)
    finally:
        for node in nodes:
            node.kill()
            node.wait()
    check_every_second_once(postgres_url, 100)
    with psycopg.connect(postgres_url) as conn:
        states = dict(conn.execute("SELECT state, count(*) FROM scheduler_fires GROUP BY state").fetchall())
        counted = conn.execute("SELECT count(DISTINCT node) FROM scheduler_fires WHERE state = 'completed'").fetchone()
    assert states["completed"] > 0.3 * sum(states.values()), states
    assert counted is not None
    assert counted[0] >= 3


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_crash_of_the_database_loses_and_doubles_nothing(tmp_path: Path) -> None:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = PrivatePostgres(binaries, durable=True)
    server.start()
    url = server.url()
    child = start(tmp_path, url, 20)
    try:
        for _ in range(2):
            time.sleep(1.3)
            server.stop("immediate")
            time.sleep(0.5)
            server.resume()
        time.sleep(3)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    try:
        check_every_second_once(url, 20)
    finally:
        server.remove()


def check_every_second_once(url: str, schedules: int) -> None:
    """Each schedule has exactly one fire for every second from its first to its last."""
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT schedule_id, count(*), count(DISTINCT scheduled_for), min(scheduled_for), max(scheduled_for) "
            "FROM scheduler_fires WHERE trigger <> 'retry' GROUP BY schedule_id"
        ).fetchall()
    assert len(rows) == schedules
    for _, number, distinct, first, last in rows:
        assert number == distinct == (last - first) // 1000 + 1


async def test_the_databases_clock_decides_and_not_a_skewed_one(tmp_path: Path, postgres_url: str) -> None:
    clock = FakeClock(datetime.now(UTC) + timedelta(minutes=5))
    async with open_world(tmp_path, clock=clock, store_url=postgres_url) as world:
        ident = await world.make(every_seconds=3600)
        await world.advance(1)
        view = await world.scheduler.get(ident)
        assert view.next_run is not None
        assert abs(view.next_run / 1000 - time.time() - 3600) < 30
        assert world.runs.starts == []


@pytest.mark.parametrize("policy", ["skip", "queue_one"])
async def test_overlap_on_postgresql(tmp_path: Path, postgres_url: str, policy: str) -> None:
    async with open_world(tmp_path, store_url=postgres_url) as world:
        own_time(world)
        world.runs.seconds = 150
        zero = world.base + 60
        await world.make(options=ScheduleOptions(overlap=policy), max_fires=4)  # type: ignore[arg-type]
        for _ in range(9):
            await world.advance(60, step=30)
        expected = {"skip": [(0, 0), (180, 180)], "queue_one": [(0, 0), (150, 60), (300, 180)]}[policy]
        assert [(int(at - zero), int(due - zero)) for at, due in world.runs.starts] == expected


async def test_retries_history_and_delivery_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    from test_scheduler_delivery import Pigeons

    pigeons = Pigeons()
    async with open_world(tmp_path, store_url=postgres_url, plugins=(pigeons,)) as world:
        own_time(world)
        world.runs.outcome = "failed"
        ident = await world.make(
            cron_expression="0 0 * * * *",
            options=ScheduleOptions(max_retries=2),
            delivery=(DeliverySpec(target="pigeon"),),
        )
        await world.advance(3600, step=3600)
        await world.advance(20)
        assert [(fire.attempt, fire.status) for fire in await world.history(ident)] == [
            (1, "failed"),
            (2, "failed"),
            (3, "dead_letter"),
        ]
        assert [each.status for each in pigeons.flown] == ["dead_letter"]
