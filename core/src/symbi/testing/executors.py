"""The contract of executors: subclass it with `plugins` and `name`; the entries below are what it runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.effects import EffectCall, EffectDenied, EffectFailed, EffectReply
from symbi.contracts.errors import Unavailable
from symbi.contracts.executors import AgentExecutor, ExecutionJob, ExecutionOutcome, ResourceLimits
from symbi.kernel.points import AGENT_EXECUTORS
from symbi.testing.kernels import open_kernel

__all__ = ["ExecutorContract", "asks_everything", "asks_many", "fails", "waits"]


def asks_everything(job: Any, effects: Any) -> Any:
    """Make an effect of each kind of answer and return what came."""
    found: dict[str, Any] = {"arguments": job.arguments, "ok": effects.call("echo", "a", {"n": 1}, line=3)}
    for kind, error in (("deny", EffectDenied), ("fail", EffectFailed)):
        try:
            effects.call(kind, "b", {})
        except error as caught:
            found[kind] = [caught.error_code, caught.message]
    effects.step(7)
    effects.log("one line", line=8)
    return found


def asks_many(job: Any, effects: Any) -> Any:
    """Ask for several effects at once."""
    replies = effects.call_many([("echo", str(n), {"n": n}) for n in range(10)])
    return [reply.value["n"] for reply in replies]


def fails(job: Any, effects: Any) -> Any:
    """Raise."""
    raise ValueError("as asked")


def waits(job: Any, effects: Any) -> Any:
    """Wait for an effect that never comes."""
    return effects.call("never", "", {})


class ExecutorContract:
    """What every executor must do."""

    plugins: Sequence[Any]
    """The plugin module, and those it needs."""
    name: str
    """The executor's name."""
    tables: Mapping[str, Any] = {}
    """Settings, as in `symbi.toml`."""

    @pytest.fixture
    async def executor(self, tmp_path: Path) -> AsyncIterator[AgentExecutor]:
        """Open the executor."""
        async with (
            open_kernel(tmp_path, self.plugins, tables=self.tables) as kernel,
            kernel.open(AGENT_EXECUTORS, self.name) as opened,
        ):
            yield opened

    async def start(
        self, executor: AgentExecutor, folder: Path, entry: str, told: list[Any] | None = None, **more: Any
    ) -> Any:
        """Start one of the entries of this module at the executor's weakest tier."""
        tier: Any = more.pop("tier", sorted(executor.tiers)[0])
        job = ExecutionJob(
            run_id="run",
            attempt=1,
            agent="contract",
            entry=f"{__name__}:{entry}",
            program={},
            arguments={"text": "wörld", "number": 10**30, "nothing": None},
            working_folder=str(folder / "work"),
            limits=ResourceLimits(grace_seconds=1.0, **more),
            tier=tier,
        )
        notes = told if told is not None else []
        return await executor.start(job, effects=_answer, notify=lambda kind, data: notes.append((kind, data)))

    async def run(
        self, executor: AgentExecutor, folder: Path, entry: str, told: list[Any] | None = None, **more: Any
    ) -> ExecutionOutcome:
        """Run one of the entries to its end."""
        execution = await self.start(executor, folder, entry, told, **more)
        outcome: ExecutionOutcome = await asyncio.wait_for(execution.wait(), 30)
        return outcome

    async def test_effects_are_answered_denied_and_failed(self, executor: AgentExecutor, tmp_path: Path) -> None:
        """Values, denials and failures arrive in the program; what it tells arrives outside."""
        told: list[Any] = []
        outcome = await self.run(executor, tmp_path, "asks_everything", told)
        assert outcome.status == "completed", outcome
        assert outcome.value == {
            "arguments": {"text": "wörld", "number": 10**30, "nothing": None},
            "ok": {"n": 1},
            "deny": ["policy_denied", "no"],
            "fail": ["away", "not now"],
        }
        assert any(kind == "log" and data["message"] == "one line" for kind, data in told)

    async def test_several_effects_at_once_keep_their_order(self, executor: AgentExecutor, tmp_path: Path) -> None:
        """Replies come in the order of the calls."""
        assert (await self.run(executor, tmp_path, "asks_many")).value == list(range(10))

    async def test_a_failing_program_is_failed(self, executor: AgentExecutor, tmp_path: Path) -> None:
        """What the program raises is in the outcome."""
        outcome = await self.run(executor, tmp_path, "fails")
        assert (outcome.status, outcome.code) == ("failed", "program_error")
        assert "as asked" in outcome.message

    async def test_stop_ends_it_and_several_may_wait(self, executor: AgentExecutor, tmp_path: Path) -> None:
        """A stopped execution is terminated, for everybody who waits; stopping again does nothing."""
        execution = await self.start(executor, tmp_path, "waits")
        waiting = [asyncio.create_task(execution.wait()) for _ in range(2)]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await execution.stop(reason="enough", grace_seconds=1.0)
        outcomes = await asyncio.gather(*waiting)
        assert {outcome.status for outcome in outcomes} == {"terminated"}
        assert time.monotonic() - began < 5
        await execution.stop(reason="again", grace_seconds=0)
        assert execution.sample() is None

    async def test_the_wall_time_holds(self, executor: AgentExecutor, tmp_path: Path) -> None:
        """A run that takes longer fails with `limit_wall`."""
        outcome = await self.run(executor, tmp_path, "waits", wall_seconds=0.5)
        assert (outcome.status, outcome.code) == ("failed", "limit_wall")

    async def test_a_stronger_tier_is_refused(self, executor: AgentExecutor, tmp_path: Path) -> None:
        """Never weaker than asked."""
        with pytest.raises(Unavailable), contextlib.ExitStack():
            await self.run(executor, tmp_path, "asks_many", tier="tier3")


async def _answer(call: EffectCall) -> EffectReply:
    if call.kind == "deny":
        return EffectReply(seq=call.seq, status="denied", code="policy_denied", message="no")
    if call.kind == "fail":
        return EffectReply(seq=call.seq, status="failed", code="away", message="not now")
    if call.kind == "never":
        await asyncio.Event().wait()
    return EffectReply(seq=call.seq, status="ok", value=call.arguments)
