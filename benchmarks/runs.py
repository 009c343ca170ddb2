"""Runs of an agent that does nothing: latency and rate of each executor, recovery, shutdown, the cost of watching.

`python -m benchmarks.runs [--peer]`: prints one table; `--peer` also measures Procrastinate on PostgreSQL with the same no-op job, where both are
installed. Every run is durable: queued, claimed and ended are each on disk before they count.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "plugins" / "runs" / "tests"
sys.path.insert(0, str(TESTS))

Row = tuple[str, str, str]


@contextlib.asynccontextmanager
async def runtime(folder: Path, **tables: Any) -> AsyncIterator[Any]:
    """Open a kernel with runs and the executors; agents, gate and tools are stand-ins, so that the figures are those of runs alone."""
    from runs_stand_ins import StandIns, World

    from symbi.contracts.runs import RunService
    from symbi.testing.kernels import open_kernel

    world = World()
    for name in ("noop", "blocks", "deaf"):
        world.add(name, name)
    process = {"import_folders": [str(TESTS)], **tables.pop("process", {})}
    settings = {"execution": {"executor": "process", **tables}, "plugins": {"process": process}}
    async with open_kernel(
        folder, ["symbi_runs.plugin", "symbi_process.plugin", StandIns(world)], tables=settings
    ) as kernel:
        yield kernel.services.get(RunService)


async def start(runs: Any, agent: str) -> str:
    """Start one run and return its id."""
    from symbi.contracts.principal import LOCAL_ADMIN

    view = await runs.start(agent, {}, principal=LOCAL_ADMIN)
    run_id: str = view.run_id
    return run_id


async def latency(runs: Any, count: int) -> float:
    """Return the median milliseconds of one run alone, from `start` to its end being seen."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        view = await runs.wait(await start(runs, "noop"))
        assert view.status == "completed", view.error
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def rate(runs: Any, count: int, clients: int) -> float:
    """Return runs per second with so many clients, each starting its next run when the last has ended."""
    left = iter(range(count))

    async def client() -> None:
        for _ in left:
            view = await runs.wait(await start(runs, "noop"))
            assert view.status == "completed", view.error

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return count / (time.perf_counter() - began)


async def executors(count: int) -> list[Row]:
    """Measure cold processes, warm forks and the in-process executor."""
    rows: list[Row] = []
    for label, tables, runs_of, clients, figures in (
        ("cold process", {"process": {"warm": False}}, count // 20, 8, ("≤ 150", "≥ 15")),
        ("warm fork", {}, count, 32, ("≤ 40", "≥ 250")),
        ("in-process", {"executor": "inline"}, count * 3, 64, ("", "≥ 1000")),
    ):
        with tempfile.TemporaryDirectory() as folder:
            async with runtime(Path(folder), **tables) as runs:
                await latency(runs, 3)
                rows.append((f"no-op run, {label}, median", f"{await latency(runs, 15):.1f} ms", figures[0]))
                rows.append(
                    (
                        f"no-op runs, {label}, {clients} clients",
                        f"{await rate(runs, runs_of, clients):.0f}/s",
                        figures[1],
                    )
                )
    return rows


async def watching() -> Row:
    """Measure what it costs to watch 100 processes: processor time of the runtime while they all only sleep."""
    with tempfile.TemporaryDirectory() as folder:
        async with runtime(Path(folder), max_running=128, grace_seconds=0.1) as runs:
            for run_id in [await start(runs, "blocks") for _ in range(100)]:
                while (await runs.get(run_id)).status != "running":
                    await asyncio.sleep(0.02)
            await asyncio.sleep(1)
            before, began = time.process_time(), time.perf_counter()
            await asyncio.sleep(15)
            share = (time.process_time() - before) / (time.perf_counter() - began)
    return "watching 100 runs (one sample each 5 s)", f"{share * 100:.2f} % of a core", "≤ 1 %"


async def recovery(count: int) -> Row:
    """Measure from opening the runtime on a store with so many queued runs to the first of them being under way."""
    with tempfile.TemporaryDirectory() as folder:
        async with runtime(Path(folder)) as runs:
            runs.node.reserve = lambda run: False
            await asyncio.gather(*(start(runs, "noop") for _ in range(count)))
        began = time.perf_counter()
        async with runtime(Path(folder), grace_seconds=0.1) as runs:
            while not await runs.list(status=("running", "completed"), limit=1):
                await asyncio.sleep(0.005)
            took = time.perf_counter() - began
    return f"first start with {count} queued runs", f"{took:.2f} s", "≤ 2 s"


async def shutdown(grace: float) -> Row:
    """Measure closing the runtime with 20 agents, of which 5 ignore SIGTERM."""
    with tempfile.TemporaryDirectory() as folder:
        async with runtime(Path(folder), grace_seconds=grace) as runs:
            for run_id in [await start(runs, "deaf" if n < 5 else "blocks") for n in range(20)]:
                while (await runs.get(run_id)).status != "running":
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            began = time.perf_counter()
        took = time.perf_counter() - began
    return f"shutdown, 20 agents, 5 deaf, {grace:g} s grace", f"{took:.2f} s", f"≤ {grace + 1.5:g} s"


async def procrastinate(count: int) -> Row:
    """Measure the same no-op job on Procrastinate with PostgreSQL: deferred one by one, done by one worker of this process."""
    import procrastinate as peer

    from symbi.testing.postgres import PrivatePostgres, find_binaries

    binaries = find_binaries()
    if binaries is None:
        return "Procrastinate on PostgreSQL", "PostgreSQL is not installed", ""
    server = PrivatePostgres(binaries, durable=True)
    server.start()
    try:
        app = peer.App(connector=peer.PsycopgConnector(conninfo=server.url()))
        done = 0

        @app.task(name="noop")
        async def noop() -> None:
            nonlocal done
            done += 1

        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            worker = asyncio.create_task(
                app.run_worker_async(concurrency=32, install_signal_handlers=False, fetch_job_polling_interval=0.05)
            )
            began = time.perf_counter()
            await asyncio.gather(*(noop.defer_async() for _ in range(count)))
            while done < count:
                await asyncio.sleep(0.005)
            took = time.perf_counter() - began
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
    finally:
        server.remove()
    return "Procrastinate on PostgreSQL, no-op job in its worker", f"{count / took:.0f}/s", "(peer of in-process)"


async def main() -> None:
    """Print all figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=600)
    arguments.add_argument("--grace", type=float, default=30.0)
    arguments.add_argument("--peer", action="store_true")
    arguments.add_argument("--quick", action="store_true", help="executors only")
    asked = arguments.parse_args()
    rows = await executors(asked.count)
    if not asked.quick:
        rows += [await watching(), await recovery(10_000), await shutdown(asked.grace)]
    if asked.peer:
        rows.append(await procrastinate(asked.count))
    for name, value, target in rows:
        print(f"{name:60} {value:>20}   {target}")


def loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """Return the loop that `symbi up` runs on."""
    try:
        import uvloop
    except ImportError:
        return None
    loop: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return loop


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
