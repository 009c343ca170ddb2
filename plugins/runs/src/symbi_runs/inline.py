"""The executor `inline`: an entry runs in a thread of the runtime itself. It confines nothing, so it is for trusted entries only."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.effects import EffectCall, EffectDenied, EffectFailed, EffectReply
from symbi.contracts.errors import SymbiError, Unavailable
from symbi.contracts.executors import EffectSink, ExecutionJob, ExecutionOutcome, Notify, Sample
from symbi.contracts.offers import load

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["InlineConfig", "InlineExecutor", "open_inline"]


class InlineConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many entries may run at once; the rest wait for a thread."""

    threads: int = 64


class _Stopped(BaseException):
    """Raised in the entry's thread at its next effect or step, once it is to stop."""


class InlineEffects:
    """What an entry in a thread sees of the runtime (`symbi.contracts.effects.Effects`)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, effects: EffectSink, notify: Notify) -> None:
        self._loop = loop
        self._effects = effects
        self._notify = notify
        self._seq = 0
        self.stopping = threading.Event()
        self._asking: set[asyncio.Task[Any]] = set()

    def call(
        self,
        kind: str,
        name: str,
        arguments: dict[str, Any],
        *,
        line: int = 0,
        column: int = 0,
        call_id: str = "",
        origin: Any = "program",
    ) -> Any:
        """Ask for one effect and return its value; raises `EffectDenied` or `EffectFailed`."""
        self._seq += 1
        call = EffectCall(
            seq=self._seq,
            kind=kind,
            name=name,
            arguments=arguments,
            line=line,
            column=column,
            call_id=call_id,
            origin=origin,
        )
        reply = self._ask([call])[0]
        if reply.status == "ok":
            return reply.value
        if reply.status == "denied":
            raise EffectDenied(reply.message, code=reply.code or None, details=reply.value)
        raise EffectFailed(reply.message, code=reply.code or None, retryable=reply.retryable)

    def call_many(
        self,
        calls: Sequence[tuple[str, str, dict[str, Any]]],
        *,
        line: int = 0,
        column: int = 0,
        origin: Any = "program",
        call_ids: Sequence[str] = (),
        at_most: int = 0,
    ) -> list[EffectReply]:
        """Ask for several effects at once and return their replies in the order of the calls."""
        asked = []
        for number, (kind, name, arguments) in enumerate(calls):
            self._seq += 1
            call = EffectCall(
                seq=self._seq,
                kind=kind,
                name=name,
                arguments=arguments,
                line=line,
                column=column,
                call_id=call_ids[number] if number < len(call_ids) else "",
                origin=origin,
            )
            asked.append(call)
        return self._ask(asked, at_most=at_most)

    def step(self, line: int) -> None:
        """Report progress."""
        if self.stopping.is_set():
            raise _Stopped
        self._loop.call_soon_threadsafe(self._notify, "step", {"line": line})

    def log(self, message: str, *, line: int = 0) -> None:
        """Write one line to the run's journal."""
        self._loop.call_soon_threadsafe(self._notify, "log", {"message": message[:4096], "line": line})

    def stop(self) -> None:
        """Have the entry end at its next effect or step, and at once where it waits for one (called in the loop)."""
        self.stopping.set()
        for task in self._asking:
            task.cancel()

    def _ask(self, calls: list[EffectCall], *, at_most: int = 0) -> list[EffectReply]:
        if self.stopping.is_set():
            raise _Stopped
        try:
            return asyncio.run_coroutine_threadsafe(self._answer(calls, at_most or len(calls)), self._loop).result()
        except (asyncio.CancelledError, CancelledError):
            raise _Stopped from None

    async def _answer(self, calls: list[EffectCall], window: int) -> list[EffectReply]:
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            if len(calls) == 1:
                return [await self._effects(calls[0])]
            turns = asyncio.Semaphore(max(1, window))
            return list(await asyncio.gather(*(self._in_turn(call, turns) for call in calls)))
        finally:
            self._asking.discard(task)

    async def _in_turn(self, call: EffectCall, turns: asyncio.Semaphore) -> EffectReply:
        async with turns:
            return await self._effects(call)


class InlineExecution:
    """One entry under way in a thread."""

    pid = None

    def __init__(self, effects: InlineEffects) -> None:
        self._effects = effects
        self._outcome: asyncio.Future[ExecutionOutcome] = asyncio.get_running_loop().create_future()

    def end(self, outcome: ExecutionOutcome) -> None:
        """Take the end; the first one counts."""
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    async def wait(self) -> ExecutionOutcome:
        """Return how it ended."""
        return await asyncio.shield(self._outcome)

    def sample(self) -> Sample | None:
        """Return None: a thread cannot be told from the runtime it runs in."""
        return None

    async def stop(self, *, reason: str, grace_seconds: float | None = None) -> None:
        """End it at its next effect; one that asks for nothing cannot be ended, and its thread is given up after the grace."""
        self._effects.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30.0 if grace_seconds is None else grace_seconds):
                await self.wait()
        self.end(ExecutionOutcome(status="terminated", code="stopped", message=reason))


class InlineExecutor:
    """Implements `AgentExecutor` with threads."""

    tiers = frozenset({"tier0"})

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    async def start(self, job: ExecutionJob, *, effects: EffectSink, notify: Notify) -> InlineExecution:
        """Start the entry in a thread; raises `Unavailable` for any tier but the weakest."""
        if job.tier != "tier0":
            raise Unavailable(f"the executor inline confines nothing, and the run needs {job.tier}")
        loop = asyncio.get_running_loop()
        seen = InlineEffects(loop, effects, notify)
        execution = InlineExecution(seen)
        work = loop.run_in_executor(self._threads, _run, job, seen)
        work.add_done_callback(lambda future: execution.end(future.result()) if not future.cancelled() else None)
        if job.limits.wall_seconds is not None:
            text = f"the run took longer than {job.limits.wall_seconds:g} s"
            late = ExecutionOutcome(status="failed", code="limit_wall", message=text)
            timer = loop.call_later(job.limits.wall_seconds, _stop_late, execution, seen, late)
            work.add_done_callback(lambda future: timer.cancel())
        return execution


def _stop_late(execution: InlineExecution, effects: InlineEffects, late: ExecutionOutcome) -> None:
    execution.end(late)
    effects.stop()


def _run(job: ExecutionJob, effects: InlineEffects) -> ExecutionOutcome:
    try:
        value = load(job.entry)(job, effects)
        msgspec.json.encode(value)
    except _Stopped:
        return ExecutionOutcome(status="terminated", code="stopped", message="stopped by the runtime")
    except SymbiError as error:
        return ExecutionOutcome(
            status="failed",
            code=error.error_code,
            message=str(error)[:4000],
            line=int(getattr(error, "line", 0) or 0),
            column=int(getattr(error, "column", 0) or 0),
            retryable=bool(getattr(error, "retryable", False)),
        )
    except Exception as error:
        return ExecutionOutcome(
            status="failed", code="program_error", message=f"{type(error).__name__}: {error}"[:4000]
        )
    return ExecutionOutcome(status="completed", value=value)


@contextlib.asynccontextmanager
async def open_inline(config: InlineConfig, context: PluginContext) -> AsyncIterator[InlineExecutor]:
    """Open the executor with its threads."""
    threads = ThreadPoolExecutor(config.threads, thread_name_prefix="symbi-inline")
    try:
        yield InlineExecutor(threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
