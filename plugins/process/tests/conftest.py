"""A bench for the executor: runs the entries of `process_entries.py` in children."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.effects import EffectCall, EffectReply
from symbi.contracts.executors import ExecutionJob, ExecutionOutcome, ResourceLimits
from symbi.kernel.clock import SystemClock
from symbi_process.config import ProcessConfig
from symbi_process.executor import ProcessExecutor
from symbi_process.monitor import watch

HERE = str(Path(__file__).parent)
Told = list[tuple[str, dict[str, Any]]]


async def answer(call: EffectCall) -> EffectReply:
    if call.kind == "deny":
        return EffectReply(seq=call.seq, status="denied", code="policy_denied", message="forbidden by rule")
    return EffectReply(seq=call.seq, status="ok", value=call.arguments)


class Bench:
    """An executor with a watcher, and a short way to run an entry in it."""

    def __init__(self, folder: Path, config: ProcessConfig) -> None:
        self.folder = folder
        self.executor = ProcessExecutor(config, clock=SystemClock())
        self.watcher = asyncio.create_task(watch(self.executor.executions, config=config, clock=SystemClock()))
        self.told: Told = []
        self.count = 0

    async def start(self, entry: str, arguments: Any = None, **limits: Any) -> Any:
        self.count += 1
        job = ExecutionJob(
            run_id=str(self.count),
            attempt=1,
            agent="test",
            entry=f"process_entries:{entry}",
            program={},
            arguments=arguments,
            working_folder=str(self.folder / str(self.count)),
            limits=ResourceLimits(**limits),
        )
        return await self.executor.start(job, effects=answer, notify=lambda kind, data: self.told.append((kind, data)))

    async def run(self, entry: str, arguments: Any = None, **limits: Any) -> ExecutionOutcome:
        execution = await self.start(entry, arguments, **limits)
        outcome: ExecutionOutcome = await asyncio.wait_for(execution.wait(), 30)
        return outcome


Make = Callable[..., Bench]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    benches: list[Bench] = []

    def build(**settings: Any) -> Bench:
        settings.setdefault("sample_seconds", 0.2)
        bench = Bench(tmp_path, ProcessConfig(import_folders=(HERE,), **settings))
        benches.append(bench)
        return bench

    yield build
    for bench in benches:
        bench.watcher.cancel()
        await bench.executor.close()
