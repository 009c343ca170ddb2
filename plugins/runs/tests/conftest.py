"""A kernel with runs, the executors and stand-ins for everything else."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.runs import RunOptions, RunService, RunView
from symbi.kernel.kernel import Kernel
from symbi.testing.kernels import open_kernel
from symbi.testing.store import postgres_server, postgres_url

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from runs_stand_ins import StandIns, World  # noqa: E402  # beside this file

__all__ = ["postgres_server", "postgres_url"]


class House:
    """An open kernel with short ways to what tests ask of it."""

    def __init__(self, kernel: Kernel, world: World) -> None:
        self.kernel = kernel
        self.world = world
        self.runs: Any = kernel.services.get(RunService)

    async def start(self, agent: str, given: Any = None, **options: Any) -> RunView:
        view: RunView = await self.runs.start(agent, given, principal=LOCAL_ADMIN, options=RunOptions(**options))
        return view

    async def run(self, agent: str, given: Any = None, **options: Any) -> RunView:
        started = await self.start(agent, given, **options)
        view: RunView = await self.runs.wait(started.run_id, timeout=20)
        return view

    async def kinds(self, run_id: str) -> list[str]:
        return [event.kind async for event in self.runs.events(run_id, follow=False)]

    async def until(self, run_id: str, status: str) -> RunView:
        for _ in range(500):
            view: RunView = await self.runs.get(run_id)
            if view.status == status:
                return view
            await asyncio.sleep(0.01)
        raise AssertionError(f"run is {view.status}, not {status}: {view.error}")


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def open_house(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> OpenHouse:
    monkeypatch.syspath_prepend(str(HERE))

    @contextlib.asynccontextmanager
    async def build(
        *,
        executor: str = "inline",
        store: str = "",
        world: World = world,
        folder: Path = tmp_path,
        more: Sequence[str] = (),
        **settings: Any,
    ) -> AsyncIterator[House]:
        tables: dict[str, Any] = {
            "execution": {"executor": executor, "retry_first_seconds": 0.05, "grace_seconds": 1.0, **settings}
        }
        tables["plugins"] = {"process": {"import_folders": [str(HERE)], "sample_seconds": 0.2}}
        if store:
            tables["store"] = {"url": store}
        plugins = ["symbi_runs.plugin", "symbi_process.plugin", StandIns(world), *more]
        async with open_kernel(folder, plugins, tables=tables) as kernel:
            yield House(kernel, world)

    return build


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened
