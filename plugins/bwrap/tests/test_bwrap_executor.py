"""The executor `bwrap`: what a sandboxed run can see and do, and what it says where it cannot work."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.effects import EffectCall, EffectReply
from symbi.contracts.errors import Unavailable
from symbi.contracts.executors import ExecutionJob, ExecutionOutcome, ResourceLimits
from symbi.kernel.points import AGENT_EXECUTORS
from symbi.testing.kernels import open_kernel

HERE = str(Path(__file__).parent)
needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


async def answer(call: EffectCall) -> EffectReply:
    return EffectReply(seq=call.seq, status="ok", value=call.arguments)


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[Any]:
    tables = {"plugins": {"process": {"import_folders": [HERE], "sample_seconds": 0.2}}}
    plugins = ["symbi_process.plugin", "symbi_bwrap.plugin"]
    async with open_kernel(tmp_path, plugins, tables=tables) as kernel, kernel.open(AGENT_EXECUTORS, "bwrap") as opened:
        yield opened


async def start(
    executor: Any, folder: Path, entry: str, arguments: Any = None, *, tier: Any = "tier1", **limits: Any
) -> Any:
    job = ExecutionJob(
        run_id="r", attempt=1, agent="a", entry=f"bwrap_entries:{entry}", program={}, arguments=arguments,
        working_folder=str(folder / "work"), limits=ResourceLimits(**limits), tier=tier,
    )  # fmt: skip
    return await executor.start(job, effects=answer, notify=lambda kind, data: None)


async def run(executor: Any, folder: Path, entry: str, arguments: Any = None, **limits: Any) -> ExecutionOutcome:
    execution = await start(executor, folder, entry, arguments, **limits)
    outcome: ExecutionOutcome = await asyncio.wait_for(execution.wait(), 30)
    return outcome


@needs_bwrap
async def test_sandbox_shows_only_what_a_run_needs(executor: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = {"secret": str(tmp_path / "secret"), "data": str(tmp_path / "data"), "port": server.getsockname()[1]}
        outcome = await run(executor, tmp_path, "look", given)
        assert outcome.status == "completed", outcome
        seen = outcome.value
        assert seen["asked"] == {"n": 1}
        assert seen["secret"] == seen["shadow"] == "FileNotFoundError"
        assert seen["data"] == "FileNotFoundError"
        assert seen["system"] in ("OSError", "PermissionError")
        assert seen["network"] != "connected"
        assert len(seen["processes"]) <= 3
        assert (tmp_path / "work" / "mine").read_text() == "written"
        opened = await run(executor, tmp_path, "look", given, network=True)
        assert opened.value["network"] == "connected"


@needs_bwrap
async def test_limits_hold_in_the_sandbox(executor: Any, tmp_path: Path) -> None:
    assert (await run(executor, tmp_path, "hog", memory_bytes=128 << 20)).code == "limit_memory"
    assert (await run(executor, tmp_path, "sleeper", wall_seconds=0.5, grace_seconds=0.2)).code == "limit_wall"
    assert (await run(executor, tmp_path, "dies")).code == "crashed"


@needs_bwrap
async def test_stop_leaves_nothing(executor: Any, tmp_path: Path) -> None:
    execution = await start(executor, tmp_path, "sleeper")
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await execution.stop(reason="enough", grace_seconds=1)
    assert time.monotonic() - began < 3
    assert not os.path.exists(f"/proc/{execution.pid}")


@needs_bwrap
async def test_it_is_tier_1_and_nothing_else(executor: Any, tmp_path: Path) -> None:
    assert executor.tiers == {"tier1"}
    with pytest.raises(Unavailable):
        await start(executor, tmp_path, "look", tier="tier2")


@pytest.mark.parametrize("program", ["no-such-program", "false"])
async def test_it_refuses_where_it_does_not_work(tmp_path: Path, program: str) -> None:
    async with open_kernel(tmp_path, ["symbi_process.plugin", "symbi_bwrap.plugin"]) as kernel:
        with pytest.raises(Unavailable, match="bubblewrap"):
            async with kernel.open(AGENT_EXECUTORS, "bwrap", {"program": program}):
                pass
