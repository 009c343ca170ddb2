"""Several nodes on one PostgreSQL: claims, leases, fences, cancellation across nodes, and a server that crashes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.principal import LOCAL_ADMIN
from symbi_runs.tables import EVENTS, RUNS

pytestmark = pytest.mark.postgres


def all_events(conn: Any) -> list[tuple[str, int, str]]:
    return [
        (row.run_id, row.seq, row.kind) for row in conn.execute(EVENTS.select().order_by(EVENTS.c.run_id, EVENTS.c.seq))
    ]


async def test_two_nodes_carry_out_every_run_once(
    open_house: Any, world: Any, postgres_url: str, tmp_path: Path
) -> None:
    world.add("a", "call_tool")
    async with (
        open_house(store=postgres_url, folder=tmp_path / "one", max_running=4) as one,
        open_house(store=postgres_url, folder=tmp_path / "two", max_running=4) as two,
    ):
        runs = await asyncio.gather(*((one, two)[n % 2].start("a", {"n": n}) for n in range(60)))
        ended = await asyncio.gather(*(one.runs.wait(run.run_id, timeout=30) for run in runs))
        assert {run.status for run in ended} == {"completed"}
        assert {run.attempt for run in ended} == {1}
        assert len(world.calls) == 60
        events = await one.kernel.store.read(all_events)
        owners = {run_id for run_id, _, kind in events if kind == "claimed"}
        assert len(owners) == 60
        assert sum(1 for _, _, kind in events if kind == "completed") == 60


async def test_run_of_a_dead_node_is_taken_up_by_another(
    open_house: Any, world: Any, postgres_url: str, tmp_path: Path
) -> None:
    """Lease and fence: the node that was frozen can write nothing any more."""
    world.add("a", "sleeps")
    async with open_house(store=postgres_url, folder=tmp_path / "one", lease_seconds=1.0) as frozen:
        run = await frozen.start("a", {"seconds": 2})
        await frozen.until(run.run_id, "running")
        attempt = next(iter(frozen.runs.attempts.values()))
        frozen.runs.node.draining = True
        frozen.runs.node._renew = lambda *unused: asyncio.sleep(0)
        frozen.runs.node.reap = lambda **unused: asyncio.sleep(0)
        async with open_house(store=postgres_url, folder=tmp_path / "two", lease_seconds=1.0) as other:
            ended = await other.runs.wait(run.run_id, timeout=20)
            assert (ended.status, ended.attempt, ended.result) == ("completed", 2, "woke")
        await asyncio.sleep(0.5)
        assert attempt.abandoned
        kinds = await frozen.kinds(run.run_id)
        assert kinds.count("completed") == 1
        assert "retry" in kinds


async def test_run_is_cancelled_from_another_node(
    open_house: Any, world: Any, postgres_url: str, tmp_path: Path
) -> None:
    world.add("a", "sleeps")
    async with (
        open_house(store=postgres_url, folder=tmp_path / "one", lease_seconds=1.0) as one,
        open_house(store=postgres_url, folder=tmp_path / "two", lease_seconds=1.0) as two,
    ):
        two.runs.node.draining = True
        run = await one.start("a")
        await two.until(run.run_id, "running")
        await two.runs.cancel(run.run_id, principal=LOCAL_ADMIN, reason="from afar")
        ended = await two.runs.wait(run.run_id, timeout=10)
        assert (ended.status, ended.error["message"]) == ("terminated", "from afar")


async def test_crash_of_the_server_loses_nothing_acknowledged(open_house: Any, world: Any, tmp_path: Path) -> None:
    from symbi.testing.postgres import PrivatePostgres, find_binaries

    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    server = PrivatePostgres(binaries, durable=True)
    server.start()
    try:
        world.add("a", "three_tools")
        async with open_house(store=server.url(), folder=tmp_path / "one", lease_seconds=1.0, max_losses=50) as house:
            runs = [await house.start("a", {"n": n}) for n in range(30)]
            await asyncio.to_thread(server.stop, "immediate")
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.resume)
            ended = await asyncio.gather(*(house.runs.wait(run.run_id, timeout=30) for run in runs))
            assert {run.status for run in ended} == {"completed"}, [run.error for run in ended if run.error]
            ids = await house.kernel.store.read(lambda conn: {row.id for row in conn.execute(RUNS.select())})
            assert ids == {run.run_id for run in runs}
    finally:
        server.remove()


async def test_another_engine_can_distribute_the_runs(
    open_house: Any, world: Any, postgres_url: str, tmp_path: Path
) -> None:
    """The seam of `run_engines`: retries, delegation and cancellation work with Procrastinate's queue, where it is installed."""
    pytest.importorskip("symbi_" + "procrastinate")
    world.add("a", "fails_twice")
    world.add("parent", "delegates")
    world.add("child", "noop")
    world.add("slow", "sleeps")
    settings = {"store": postgres_url, "engine": "procrastinate", "more": ["symbi_procrastinate.plugin"]}
    async with (
        open_house(folder=tmp_path / "one", **settings) as one,
        open_house(folder=tmp_path / "two", **settings) as two,
    ):
        slow = await two.start("slow")
        runs = [await (one, two)[n % 2].start("a", {"n": n}, max_attempts=3) for n in range(6)]
        runs.append(await one.start("parent", {"to": "child"}))
        ended = await asyncio.gather(*(one.runs.wait(run.run_id, timeout=30) for run in runs))
        assert {run.status for run in ended} == {"completed"}
        assert [run.attempt for run in ended] == [3] * 6 + [1]
        await two.runs.cancel(slow.run_id, principal=LOCAL_ADMIN)
        assert (await two.runs.wait(slow.run_id, timeout=20)).status == "terminated"
