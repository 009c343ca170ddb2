"""One agent process under way, seen from the runtime."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from symbi.contracts.effects import EffectCall, EffectReply
from symbi.contracts.executors import EffectSink, ExecutionJob, ExecutionOutcome, Notify, Sample
from symbi_process.drain import OutputDrain
from symbi_process.frames import Ask, Beat, End, FrameTooLarge, Log, Reply, Splitter, Step, decode_from_child, encode
from symbi_process.link import WardenLink
from symbi_process.measure import GroupMeter
from symbi_process.orders import Died

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi_process.config import ProcessConfig

__all__ = ["ProcessExecution"]

_ENDINGS: dict[str, Literal["completed", "failed", "terminated"]] = {
    "completed": "completed",
    "failed": "failed",
    "terminated": "terminated",
}


class ProcessExecution(asyncio.Protocol):
    """Implements `symbi.contracts.executors.Execution`; talks to the child as an asyncio protocol over the socket pair."""

    def __init__(
        self,
        job: ExecutionJob,
        *,
        config: ProcessConfig,
        clock: Clock,
        link: WardenLink,
        effects: EffectSink,
        notify: Notify,
    ) -> None:
        self.job = job
        self._config = config
        self._clock = clock
        self._link = link
        self._effects = effects
        self._notify = notify
        self._splitter = Splitter(config.frame_bytes)
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: End | None = None
        self._verdict: ExecutionOutcome | None = None
        self._outcome: asyncio.Future[ExecutionOutcome] = asyncio.get_running_loop().create_future()
        self._identity = 0
        self._pid: int | None = None
        self._meter: GroupMeter | None = None
        self._kill: asyncio.TimerHandle | None = None
        self._wall: asyncio.TimerHandle | None = None
        self._drain: OutputDrain | None = None
        self.last_sign = clock.monotonic()
        self.warned = False

    @property
    def pid(self) -> int | None:
        """The agent host's process id."""
        return self._pid

    @property
    def over(self) -> bool:
        """Tell whether it has ended and nothing of it is left."""
        return self._outcome.done()

    def when_over(self, callback: Callable[[asyncio.Future[ExecutionOutcome]], None]) -> None:
        """Call `callback` when it has ended, at once if it has already."""
        self._outcome.add_done_callback(callback)

    def attach_output(self, descriptor: int) -> None:
        """Begin to read what the child writes; the descriptor is this object's from now on."""
        asked = self.job.limits.output_bytes
        limit = asked if asked is not None else self._config.output_bytes
        text = f"the run wrote more than {limit} bytes of output"
        over = (lambda: self.fail("limit_output", text)) if asked is not None else None
        self._drain = OutputDrain(descriptor, limit=limit, over=over)

    def begin(self, identity: int, pid: int) -> None:
        """Take the child that the warden has started, and send it its job."""
        self._identity, self._pid = identity, pid
        self._meter = GroupMeter(pid, started=self._clock.monotonic())
        seconds = self.job.limits.wall_seconds
        if seconds is not None:
            text = f"the run took longer than {seconds:g} s"
            self._wall = asyncio.get_running_loop().call_later(seconds, self.fail, "limit_wall", text)

    async def wait(self) -> ExecutionOutcome:
        """Return how it ended, once nothing of it is left."""
        return await asyncio.shield(self._outcome)

    def sample(self) -> Sample | None:
        """Measure all its processes now."""
        if self._meter is None or self.over:
            return None
        return self._meter.read(now_ms=self._clock.now_ms(), monotonic=self._clock.monotonic())

    def report_sample(self, sample: dict[str, Any]) -> None:
        """Tell a measurement to whoever follows the run."""
        self._notify("sample", sample)

    def report_log(self, message: str) -> None:
        """Tell a warning of the runtime itself to whoever follows the run."""
        self._notify("log", {"message": message, "line": 0, "level": "warning"})

    async def stop(self, *, reason: str, grace_seconds: float | None = None) -> None:
        """SIGTERM to the whole group, SIGKILL after the grace; returns when nothing of it is left."""
        grace = self.job.limits.grace_seconds if grace_seconds is None else grace_seconds
        self._stop(ExecutionOutcome(status="terminated", code="stopped", message=reason), grace)
        await asyncio.shield(self._outcome)

    def fail(self, code: str, message: str) -> None:
        """End it for breaking a limit or the protocol: a short grace, then by force."""
        retryable = code in ("unresponsive", "crashed")
        outcome = ExecutionOutcome(status="failed", code=code, message=message, retryable=retryable)
        self._stop(outcome, min(2.0, self.job.limits.grace_seconds))

    def _stop(self, verdict: ExecutionOutcome, grace: float) -> None:
        if self.over:
            return
        if self._verdict is None:
            self._verdict = verdict
        loop = asyncio.get_running_loop()
        self._link.signal(self._identity, signal.SIGTERM if grace > 0 else signal.SIGKILL)
        # A stopped process (SIGSTOP) would not hear the first signal.
        self._link.signal(self._identity, signal.SIGCONT)
        when = loop.time() + grace
        if self._kill is None or self._kill.when() > when:
            if self._kill is not None:
                self._kill.cancel()
            self._kill = loop.call_at(when, self._link.signal, self._identity, signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The channel is open (asyncio calls this): send the job at once."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of asyncio's

    def send_job(self, frame: bytes) -> None:
        """Send the job; the kernel keeps it until the child reads it."""
        if self._transport is not None:
            self._transport.write(frame)

    def data_received(self, data: bytes) -> None:
        """Take frames of the child (asyncio calls this)."""
        self.last_sign = self._clock.monotonic()
        try:
            for body in self._splitter.feed(data):
                self._take(decode_from_child(body))
        except (FrameTooLarge, msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._break(f"the agent host sent what is no message: {error}")

    def _break(self, message: str) -> None:
        if self._transport is not None:
            self._transport.pause_reading()
        self.fail("protocol_error", message)

    def _take(self, message: Ask | Step | Log | Beat | End) -> None:
        if isinstance(message, Ask):
            self._ask(message.call)
        elif isinstance(message, Step):
            self._notify("step", {"line": message.line, "count": message.count})
        elif isinstance(message, Log):
            self._notify("log", {"message": message.message[:4096], "line": message.line})
        elif isinstance(message, Beat):
            self._notify("heartbeat", {"steps": message.steps})
        elif message.status not in _ENDINGS:
            self._break(f"the agent host reported the unknown end {message.status!r}")
        elif self._end is None:
            self._end = message

    def _ask(self, call: EffectCall) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(call))
        self._tasks.add(task)
        task.add_done_callback(self._answered)
        if len(self._tasks) >= self._config.effects_in_flight and self._transport is not None:
            self._transport.pause_reading()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self.over and self._verdict is None and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        if not task.cancelled() and task.exception() is not None:
            self.fail("protocol_error", f"an effect could not be answered: {task.exception()}")

    async def _answer(self, call: EffectCall) -> None:
        reply = await self._effects(call)
        try:
            frame = encode(Reply(reply))
        except (TypeError, ValueError, OverflowError) as error:
            text = f"the answer of {call.kind} {call.name!r} is no JSON: {error}"
            frame = encode(Reply(EffectReply(seq=call.seq, status="failed", code="not_json", message=text)))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed (asyncio calls this); the end itself comes from the warden."""
        self._transport = None

    def ended(self, died: Died | None) -> None:
        """Take the warden's word that the child and all its descendants are gone (None: the warden itself died)."""
        for timer in (self._kill, self._wall):
            if timer is not None:
                timer.cancel()
        self._read_rest()
        for task in self._tasks:
            task.cancel()
        if self._drain is not None:
            self._drain.close()
        if self._transport is not None:
            self._transport.abort()
        if not self._outcome.done():
            self._outcome.set_result(self._judge(died))

    def _read_rest(self) -> None:
        """Take what the child sent last: its death may be known before its last words have been read."""
        transport = self._transport
        if transport is None or self._end is not None:
            return
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            for _ in range(1024):
                data = os.read(sock.fileno(), 256 * 1024)
                if not data:
                    break
                self.data_received(data)

    def _judge(self, died: Died | None) -> ExecutionOutcome:
        verdict = self._verdict or self._from_child(died)
        text = self._drain.text() if self._drain is not None else ""
        if died is None:
            return msgspec.structs.replace(verdict, output_tail=text)
        peak = max(self._meter.peak if self._meter else 0, died.peak_memory_bytes)
        return msgspec.structs.replace(
            verdict,
            exit_code=os.waitstatus_to_exitcode(died.status) if os.WIFEXITED(died.status) else None,
            signal=os.WTERMSIG(died.status) if os.WIFSIGNALED(died.status) else None,
            cpu_seconds=round(died.cpu_seconds, 4),
            peak_memory_bytes=peak or None,
            output_tail=text,
        )

    def _from_child(self, died: Died | None) -> ExecutionOutcome:
        end = self._end
        if end is not None:
            return ExecutionOutcome(
                status=_ENDINGS[end.status],
                value=end.value,
                code=end.code,
                message=end.message,
                line=end.line,
                column=end.column,
                retryable=end.retryable,
            )
        if died is None:
            text = "the warden of the agent processes died, and its children with it"
            return ExecutionOutcome(status="failed", code="crashed", message=text, retryable=True)
        if os.WIFSIGNALED(died.status):
            return _killed(os.WTERMSIG(died.status))
        code = os.waitstatus_to_exitcode(died.status)
        if self._config.launcher and code > 128:
            # A launcher reports the signal that ended the agent host as a shell does.
            return _killed(code - 128)
        text = f"the agent host left with exit code {code} without reporting an end"
        return ExecutionOutcome(status="failed", code="crashed", message=text, retryable=True)


def _killed(number: int) -> ExecutionOutcome:
    if number == signal.SIGXCPU:
        return ExecutionOutcome(status="failed", code="limit_cpu", message="the run used up its processor time")
    if number == signal.SIGXFSZ:
        return ExecutionOutcome(
            status="failed", code="limit_file", message="the run wrote a file larger than its limit"
        )
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    text = f"the agent host was ended by signal {number} ({name}), which the runtime did not send"
    return ExecutionOutcome(status="failed", code="crashed", message=text, retryable=True)
