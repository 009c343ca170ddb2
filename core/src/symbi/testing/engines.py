"""The contract of run engines: subclass it with `plugin` and `name`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from symbi.contracts.engines import QueuedRun, RunEngine
from symbi.contracts.errors import StoreUnavailable
from symbi.kernel.points import RUN_ENGINES
from symbi.testing.kernels import open_kernel

__all__ = ["FakeNode", "RunEngineContract", "a_queued_run"]


def a_queued_run(run_id: str, **more: Any) -> QueuedRun:
    """Return a queued run."""
    return QueuedRun(
        run_id=run_id, agent_id=more.pop("agent_id", "a"), principal_id="p", rank=more.pop("rank", 0), **more
    )


class FakeNode:
    """A node that notes what it is given; `room` is how many runs it holds at once."""

    shared = False

    def __init__(self, *, room: int = 100) -> None:
        self.room = room
        self.held: set[str] = set()
        self.taken: list[str] = []
        self.refused: set[str] = set()
        self.failures = 0
        self.stored: list[QueuedRun] = []

    def reserve(self, run: QueuedRun) -> bool:
        """Keep room, as long as there is some."""
        if len(self.held) >= self.room:
            return False
        self.held.add(run.run_id)
        return True

    async def take(self, runs: Sequence[QueuedRun]) -> Sequence[str]:
        """Claim all but the refused ones; fail as often as was asked for."""
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            self.held -= {run.run_id for run in runs}
            raise StoreUnavailable("the store is away")
        claimed = [run.run_id for run in runs if run.run_id not in self.refused]
        self.held -= self.refused
        self.taken += claimed
        return claimed

    async def queued(self) -> Sequence[QueuedRun]:
        """Return what the store is said to hold."""
        return self.stored


class RunEngineContract:
    """What every run engine must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The engine's name."""

    @contextlib.asynccontextmanager
    async def serving(self, folder: Path, node: FakeNode) -> AsyncIterator[RunEngine]:
        """Open the engine and have it serve the node."""
        async with open_kernel(folder) as kernel:
            kernel.manager.register(self.plugin, "under-test")
            async with kernel.open(RUN_ENGINES, self.name) as engine:
                serving = asyncio.create_task(engine.serve(node))
                yield engine
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    async def until(self, condition: Any, *, seconds: float = 5.0) -> None:
        """Wait until `condition()` holds."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  # a fake node has nothing to wait for
                await asyncio.sleep(0.01)

    async def test_every_run_is_taken_once(self, tmp_path: Path) -> None:
        """What is added is taken, and adding it again changes nothing."""
        node = FakeNode()
        async with self.serving(tmp_path, node) as engine:
            for number in range(20):
                engine.add(a_queued_run(str(number)))
                engine.add(a_queued_run(str(number)))
            await self.until(lambda: len(node.taken) == 20)
            await asyncio.sleep(0.05)
            assert sorted(node.taken, key=int) == [str(number) for number in range(20)]

    async def test_nothing_is_taken_without_room(self, tmp_path: Path) -> None:
        """A run waits until another is done."""
        node = FakeNode(room=1)
        async with self.serving(tmp_path, node) as engine:
            engine.add(a_queued_run("1"))
            engine.add(a_queued_run("2", rank=1))
            await self.until(lambda: node.taken == ["1"])
            await asyncio.sleep(0.05)
            assert node.taken == ["1"]
            assert len(engine) == 1
            node.held.clear()
            engine.done("1")
            engine.wake()
            await self.until(lambda: node.taken == ["1", "2"])

    async def test_a_delayed_run_is_not_taken_early(self, tmp_path: Path) -> None:
        """`not_before` holds."""
        import time

        node = FakeNode()
        async with self.serving(tmp_path, node) as engine:
            due = time.time_ns() // 1_000_000 + 300
            engine.add(a_queued_run("later", not_before=due))
            await asyncio.sleep(0.1)
            assert node.taken == []
            await self.until(lambda: node.taken == ["later"])
            assert time.time_ns() // 1_000_000 >= due

    async def test_a_removed_run_is_never_taken(self, tmp_path: Path) -> None:
        """Removing what waits takes it out; removing what is unknown does nothing."""
        node = FakeNode(room=0)
        async with self.serving(tmp_path, node) as engine:
            engine.add(a_queued_run("1"))
            engine.remove("1")
            engine.remove("unknown")
            engine.done("unknown")
            node.room = 10
            engine.wake()
            await asyncio.sleep(0.05)
            assert node.taken == []

    async def test_a_run_that_was_claimed_elsewhere_may_come_again(self, tmp_path: Path) -> None:
        """One that the node could not claim is not counted as under way."""
        node = FakeNode()
        node.refused = {"1"}
        async with self.serving(tmp_path, node) as engine:
            engine.add(a_queued_run("1"))
            await self.until(lambda: len(engine) == 0)
            await asyncio.sleep(0.05)
            node.refused = set()
            engine.add(a_queued_run("1"))
            await self.until(lambda: node.taken == ["1"])

    async def test_a_failing_store_loses_nothing(self, tmp_path: Path) -> None:
        """What could not be claimed because the store was away is taken later."""
        node = FakeNode()
        node.failures = 1
        async with self.serving(tmp_path, node) as engine:
            engine.add(a_queued_run("1"))
            await self.until(lambda: node.taken == ["1"], seconds=10)
