"""The engine keeps its contract on a real PostgreSQL, and says so where there is none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import symbi_procrastinate.plugin
from symbi.contracts.errors import ConfigError
from symbi.kernel.points import RUN_ENGINES
from symbi.testing.engines import FakeNode, RunEngineContract, a_queued_run
from symbi.testing.kernels import open_kernel
from symbi.testing.store import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

pytestmark = pytest.mark.postgres


@contextlib.asynccontextmanager
async def serving(folder: Path, url: str, node: FakeNode, **settings: Any) -> AsyncIterator[Any]:
    tables = {"store": {"url": url}, "plugins": {"procrastinate": {"poll_seconds": 0.2, **settings}}}
    async with (
        open_kernel(folder, [symbi_procrastinate.plugin], tables=tables) as kernel,
        kernel.open(RUN_ENGINES, "procrastinate") as engine,
    ):
        task = asyncio.create_task(engine.serve(node))
        yield engine
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestProcrastinate(RunEngineContract):
    plugin = symbi_procrastinate.plugin
    name = "procrastinate"

    @pytest.fixture(autouse=True)
    def database(self, postgres_url: str) -> None:
        self.url = postgres_url

    @contextlib.asynccontextmanager
    async def serving(self, folder: Path, node: FakeNode) -> AsyncIterator[Any]:
        async with serving(folder, self.url, node) as engine:
            yield engine


async def test_two_nodes_share_the_queue(tmp_path: Path, postgres_url: str) -> None:
    one, two = FakeNode(room=3), FakeNode(room=3)
    async with (
        serving(tmp_path / "one", postgres_url, one, concurrency=3) as first,
        serving(tmp_path / "two", postgres_url, two, concurrency=3),
    ):
        for number in range(6):
            first.add(a_queued_run(str(number), rank=number))
        async with asyncio.timeout(10):
            while len(one.taken) + len(two.taken) < 6:
                await asyncio.sleep(0.02)
        assert sorted(one.taken + two.taken) == [str(number) for number in range(6)]
        assert two.taken


async def test_run_that_another_waits_for_is_taken_beside_a_full_queue(tmp_path: Path, postgres_url: str) -> None:
    node = FakeNode(room=5)
    async with serving(tmp_path, postgres_url, node, concurrency=1) as engine:
        engine.add(a_queued_run("parent"))
        async with asyncio.timeout(10):
            while node.taken != ["parent"]:
                await asyncio.sleep(0.02)
            engine.add(a_queued_run("child", depth=1))
            while "child" not in node.taken:
                await asyncio.sleep(0.02)


async def test_it_needs_postgresql(tmp_path: Path) -> None:
    async with open_kernel(tmp_path, [symbi_procrastinate.plugin]) as kernel:
        with pytest.raises(ConfigError, match="PostgreSQL"):
            async with kernel.open(RUN_ENGINES, "procrastinate"):
                pass
