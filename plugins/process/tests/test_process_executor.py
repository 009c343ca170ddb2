"""The executor `process`: what a child sees, what it can ask, how it ends."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.effects import EffectCall, EffectReply
from symbi.contracts.errors import InvalidRequest, Unavailable
from symbi.contracts.executors import ExecutionJob, ResourceLimits

Make = Callable[..., Any]


async def answer(call: EffectCall) -> EffectReply:
    return EffectReply(seq=call.seq, status="ok")


def alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


@pytest.mark.parametrize("warm", [True, False])
async def test_effects_and_result_pass_through_the_pipe(make: Make, warm: bool) -> None:
    outcome = await make(warm=warm).run("echo", {"hello": ["wörld", 1.5, None]})
    assert outcome.status == "completed"
    assert outcome.value == {"arguments": {"hello": ["wörld", 1.5, None]}}
    assert outcome.exit_code == 0
    assert outcome.cpu_seconds is not None
    assert outcome.peak_memory_bytes


@pytest.mark.parametrize("warm", [True, False])
async def test_child_sees_a_clean_world(make: Make, warm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-12: no environment of the server, no stdin, no open files; A-29: a folder of its own, 0700."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-secret")
    bench = make(warm=warm, environment={"GREETING": "hello"}, drop_user=warm)
    world = (await bench.run("world")).value
    assert set(world["environment"]) <= {
        "PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "GREETING",
    }  # fmt: skip
    assert world["environment"]["GREETING"] == "hello"
    assert world["session"]
    assert world["stdin"] == ""
    assert world["mode"] == "0o700"
    assert world["folder"] == str(bench.folder / "1")
    assert set(world["descriptors"]) <= {"0", "1", "2", "3"}
    assert world["descriptors"]["0"] == "/dev/null"
    if warm and os.geteuid() == 0:
        assert world["uid"] >= 61_184
        assert world["gid"] == world["uid"]


async def test_two_runs_at_once_never_share_a_user(make: Make) -> None:
    if os.geteuid() != 0:
        pytest.skip("only a runtime that is root can give users away")
    bench = make(drop_user=True)
    first, second = await asyncio.gather(bench.run("world"), bench.run("world"))
    assert first.value["uid"] != second.value["uid"]


async def test_many_effects_at_once_answer_in_order(make: Make) -> None:
    assert (await make(effects_in_flight=8).run("many")).value == list(range(100))


async def test_whole_numbers_of_any_size_survive(make: Make) -> None:
    assert (await make().run("big_numbers")).value == 10**40 + 1


async def test_steps_are_bounded_in_rate_and_logs_are_kept(make: Make) -> None:
    bench = make()
    await bench.run("steps")
    kinds = [kind for kind, _ in bench.told]
    assert 1 <= kinds.count("step") <= 20
    assert ("log", {"message": "done", "line": 7}) in bench.told


@pytest.mark.parametrize(
    ("entry", "code", "word"),
    [
        ("denied", "policy_denied", "forbidden by rule"),
        ("raises", "program_error", "no such luck"),
        ("not_json", "program_error", "cannot be sent"),
        ("missing", "program_error", "AttributeError"),
        ("dies", "crashed", "SIGSEGV"),
        ("exits", "crashed", "exit code 3"),
        ("garbage", "protocol_error", "no message"),
        ("endless_frame", "protocol_error", "limit"),
        ("lies", "protocol_error", "glorious"),
    ],
)
async def test_every_bad_end_is_named(make: Make, entry: str, code: str, word: str) -> None:
    """F-10: an exit that is not good is never reported as completed."""
    outcome = await make().run(entry, grace_seconds=0.2)
    assert (outcome.status, outcome.code) == ("failed", code)
    assert word in outcome.message


async def test_result_over_the_frame_limit_fails(make: Make) -> None:
    outcome = await make(frame_bytes=1 << 20).run("huge_result")
    assert outcome.status == "failed"
    assert "limit" in outcome.message


async def test_network_is_closed_unless_granted(make: Make) -> None:
    bench = make()
    assert (await bench.run("network")).value == errno.EPERM
    assert (await bench.run("network", network=True)).value == 0


async def test_unknown_tier_is_refused_not_weakened(make: Make, tmp_path: Path) -> None:
    job = ExecutionJob(
        run_id="r", attempt=1, agent="a", entry="process_entries:echo", program={}, arguments={},
        working_folder=str(tmp_path / "w"), limits=ResourceLimits(), tier="tier2",
    )  # fmt: skip
    with pytest.raises(Unavailable, match="tier2"):
        await make().executor.start(job, effects=answer, notify=lambda kind, data: None)


async def test_job_over_the_frame_limit_is_refused(make: Make) -> None:
    with pytest.raises(InvalidRequest, match="limit"):
        await make(frame_bytes=1 << 16).run("echo", "x" * (1 << 17))


async def test_stop_ends_politely_within_the_grace(make: Make) -> None:
    execution = await make().start("sleeper")
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await execution.stop(reason="enough", grace_seconds=10)
    outcome = await execution.wait()
    assert time.monotonic() - began < 2
    assert (outcome.status, outcome.message) == ("terminated", "enough")
    assert "asleep" in outcome.output_tail


async def test_deaf_group_with_an_escaped_grandchild_is_gone_after_the_grace(make: Make) -> None:
    bench = make()
    execution = await bench.start("deaf")
    while not any(kind == "log" for kind, _ in bench.told):
        await asyncio.sleep(0.02)
    grandchild = int(next(data["message"] for kind, data in bench.told if kind == "log"))
    began = time.monotonic()
    await execution.stop(reason="enough", grace_seconds=1)
    assert 1.0 <= time.monotonic() - began < 2.5
    assert not alive(execution.pid)
    assert not alive(grandchild)
    assert (await execution.wait()).signal == 9


async def test_daemon_left_behind_is_ended_with_the_run(make: Make) -> None:
    outcome = await make().run("leaves_a_daemon")
    assert isinstance(outcome.value, int)
    assert not alive(outcome.value)


async def test_nothing_survives_the_executor(make: Make) -> None:
    bench = make()
    execution = await bench.start("deaf")
    warden = bench.executor.warden_pid
    assert warden is not None
    await asyncio.sleep(0.3)
    await bench.executor.close()
    assert not alive(execution.pid)
    assert not alive(warden)


async def test_dead_warden_fails_its_runs_and_is_replaced(make: Make) -> None:
    bench = make()
    execution = await bench.start("sleeper")
    assert bench.executor.warden_pid is not None
    os.kill(bench.executor.warden_pid, 9)
    outcome = await asyncio.wait_for(execution.wait(), 5)
    assert outcome.code == "crashed"
    assert outcome.retryable
    for _ in range(100):
        if not alive(execution.pid):
            break
        await asyncio.sleep(0.02)
    assert not alive(execution.pid)
    assert (await bench.run("echo", 1)).status == "completed"
