"""Limits of the executor `process`: each bad program of issue 5 ends with its own code, and the machine stays well."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

MIB = 1 << 20


async def test_memory_hog_ends_with_limit_memory(make: Make) -> None:
    outcome = await make().run("hog", memory_bytes=128 * MIB)
    assert (outcome.status, outcome.code) == ("failed", "limit_memory")
    assert outcome.peak_memory_bytes is not None
    assert outcome.peak_memory_bytes < 256 * MIB


async def test_processes_that_are_over_the_limit_only_together_are_stopped(make: Make) -> None:
    bench = make()
    outcome = await bench.run("group_hog", memory_bytes=100 * MIB)
    assert outcome.code == "limit_memory"
    assert "processes hold" in outcome.message
    samples = [data for kind, data in bench.told if kind == "sample"]
    assert samples
    assert samples[-1]["processes"] == 5


async def test_fork_bomb_stops_at_its_limit_and_leaves_nothing(make: Make) -> None:
    outcome = await make(drop_user=True).run("fork_bomb", processes=16)
    assert outcome.status == "completed"
    assert 0 < outcome.value <= 16
    if os.geteuid() == 0:
        users = [entry for entry in os.scandir("/proc") if entry.name.isdigit() and _owner(entry.path) >= 61_184]
        assert users == []


def _owner(path: str) -> int:
    try:
        return os.stat(path).st_uid if "Z" not in open(f"{path}/stat").read().rpartition(")")[2][:3] else 0
    except OSError:
        return 0


async def test_spinning_program_ends_with_limit_cpu(make: Make) -> None:
    outcome = await make().run("spin", cpu_seconds=1)
    assert outcome.code == "limit_cpu"
    assert outcome.cpu_seconds is not None
    assert 0.8 <= outcome.cpu_seconds < 4


async def test_program_that_never_ends_is_stopped_at_its_wall_time(make: Make) -> None:
    outcome = await make().run("sleeper", wall_seconds=0.3, grace_seconds=0.2)
    assert (outcome.status, outcome.code) == ("failed", "limit_wall")


async def test_large_file_is_stopped(make: Make) -> None:
    outcome = await make().run("big_file", file_bytes=MIB)
    assert outcome.code == "limit_file"


async def test_open_files_are_limited(make: Make) -> None:
    assert (await make().run("many_files", open_files=50)).value < 50


async def test_endless_output_is_drained_and_dropped(make: Make) -> None:
    bench = make(output_bytes=MIB)
    outcome = await bench.run("writes", {"mib": 300})
    assert outcome.value == "written"
    assert len(outcome.output_tail) < 20_000
    assert "further bytes of output were dropped" in outcome.output_tail


async def test_output_over_a_limit_of_the_run_stops_it(make: Make) -> None:
    outcome = await make().run("writes", {"mib": 300}, output_bytes=MIB, grace_seconds=0.2)
    assert (outcome.status, outcome.code) == ("failed", "limit_output")


async def test_process_that_shows_no_life_is_stopped(make: Make) -> None:
    bench = make(heartbeat_seconds=0.1, unresponsive_seconds=1.0)
    silent, lively = await asyncio.gather(
        bench.run("silent", grace_seconds=0.1), bench.run("sleeper", wall_seconds=2, grace_seconds=0.1)
    )
    assert (silent.code, silent.retryable) == ("unresponsive", True)
    assert lively.code == "limit_wall"
    assert any(kind == "heartbeat" for kind, _ in bench.told)


async def test_samples_are_real_measurements(make: Make) -> None:
    bench = make()
    execution = await bench.start("spin", cpu_seconds=5)
    await asyncio.sleep(0.1)
    execution.sample()
    await asyncio.sleep(0.5)
    sample = execution.sample()
    assert sample.memory_bytes > MIB
    assert sample.peak_memory_bytes >= sample.memory_bytes
    assert sample.cpu_percent is not None
    assert 5 < sample.cpu_percent <= 120
    await execution.stop(reason="", grace_seconds=0)
    assert execution.sample() is None


@pytest.mark.parametrize("warm", [True, False])
async def test_no_descriptor_leaks(make: Make, warm: bool) -> None:
    bench = make(warm=warm)
    await bench.run("echo", 0)
    before = len(os.listdir("/proc/self/fd"))
    for n in range(50 if warm else 5):
        await bench.run("echo", n)
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(os.listdir(f"/proc/{bench.executor.warden_pid}/fd")) < 12


async def test_working_folder_that_cannot_be_made_is_unavailable(make: Make, tmp_path: Path) -> None:
    from symbi.contracts.errors import Unavailable

    (tmp_path / "1").write_text("in the way")
    with pytest.raises(Unavailable, match="working folder"):
        await make().run("echo")
