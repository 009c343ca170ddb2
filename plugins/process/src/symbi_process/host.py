"""The agent host: the only program that runs in a child. It holds no key, no socket of its own and no store; it can only ask.

Needs the standard library and msgspec alone, so that a cold start stays short.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from symbi.contracts.effects import EffectCall, EffectDenied, EffectFailed, EffectReply
from symbi.contracts.errors import SymbiError
from symbi.contracts.executors import ExecutionJob
from symbi_process.frames import HEADER, Ask, Beat, End, Job, Log, Reply, Step, decode_from_parent, encode

__all__ = ["Channel", "HostEffects", "Stopped", "main", "serve"]

STEP_SECONDS = 0.1
LOG_BYTES = 4096
MESSAGE_CHARACTERS = 4000


class Stopped(BaseException):
    """The runtime has asked this process to end (SIGTERM); unwinds the program so that its own clean-up runs."""


class Channel:
    """The blocking end of the pipe to the runtime."""

    def __init__(self, descriptor: int, *, limit: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self.limit = limit

    def send(self, frame: bytes) -> None:
        """Send one frame whole; raises `EffectFailed` where it is too large."""
        if len(frame) > self.limit:
            raise EffectFailed(
                f"a message of {len(frame)} bytes is over the limit of {self.limit}", code="message_too_large"
            )
        with self._lock:
            self._send(frame)

    def send_if_idle(self, frame: bytes) -> None:
        """Send one frame unless another is being sent at this moment, which is a sign of life of its own."""
        if self._lock.acquire(blocking=False):
            try:
                self._send(frame)
            finally:
                self._lock.release()

    def _send(self, frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def receive(self) -> bytes:
        """Return the next frame's body; leaves the process when the runtime is gone."""
        (length,) = HEADER.unpack(self._exactly(HEADER.size))
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            chunk = os.read(self._descriptor, count - len(parts))
            if not chunk:
                os._exit(75)
            parts += chunk
        return bytes(parts)


class HostEffects:
    """What a program sees of the runtime (`symbi.contracts.effects.Effects`)."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._seq = 0
        self._next_step = 0.0
        self.steps = 0

    def call(
        self,
        kind: str,
        name: str,
        arguments: dict[str, Any],
        *,
        line: int = 0,
        column: int = 0,
        call_id: str = "",
        origin: str = "program",
    ) -> Any:
        """Ask for one effect and return its value; raises `EffectDenied` or `EffectFailed`."""
        reply = self._ask([self._call(kind, name, arguments, line, column, call_id, origin)])[0]
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
        origin: str = "program",
        call_ids: Sequence[str] = (),
        at_most: int = 0,
    ) -> list[EffectReply]:
        """Ask for several effects at once and return their replies in the order of the calls."""
        ids = [*call_ids, *[""] * (len(calls) - len(call_ids))]
        asked = [
            self._call(kind, name, arguments, line, column, call_id, origin)
            for (kind, name, arguments), call_id in zip(calls, ids, strict=True)
        ]
        return self._ask(asked, at_most=at_most)

    def step(self, line: int, what: str = "") -> None:
        """Report progress, at most ten times a second."""
        self.steps += 1
        now = time.monotonic()
        if now >= self._next_step:
            self._next_step = now + STEP_SECONDS
            self._channel.send(encode(Step(line, self.steps)))

    def log(self, message: str, *, line: int = 0) -> None:
        """Write one line to the run's journal."""
        text = message.encode("utf-8", "replace")[:LOG_BYTES].decode("utf-8", "ignore")
        self._channel.send(encode(Log(text, line)))

    def _call(
        self, kind: str, name: str, arguments: dict[str, Any], line: int, column: int, call_id: str, origin: str
    ) -> EffectCall:
        self._seq += 1
        source: Any = origin
        return EffectCall(
            seq=self._seq,
            kind=kind,
            name=name,
            arguments=arguments,
            line=line,
            column=column,
            call_id=call_id,
            origin=source,
        )

    def _ask(self, calls: list[EffectCall], *, at_most: int = 0) -> list[EffectReply]:
        frames = [self._frame(call) for call in calls]
        window = at_most or len(frames)
        for frame in frames[:window]:
            self._channel.send(frame)
        waiting = iter(frames[window:])
        replies: dict[int, EffectReply] = {}
        while len(replies) < len(calls):
            message = decode_from_parent(self._channel.receive())
            if isinstance(message, Reply):
                replies[message.reply.seq] = message.reply
                following = next(waiting, None)
                if following is not None:
                    self._channel.send(following)
        return [replies[call.seq] for call in calls]

    def _frame(self, call: EffectCall) -> bytes:
        try:
            return encode(Ask(call))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise EffectFailed(
                f"the arguments of {call.kind} {call.name!r} are no JSON: {error}", code="not_json"
            ) from None


def _failure(error: BaseException) -> End:
    """Describe what a program raised, in words that are safe to keep."""
    line, column = int(getattr(error, "line", 0) or 0), int(getattr(error, "column", 0) or 0)
    if isinstance(error, Stopped):
        return End("terminated", code="stopped", message="stopped by the runtime")
    if isinstance(error, MemoryError):
        return End("failed", code="limit_memory", message="the program ran out of its memory limit")
    if isinstance(error, SymbiError):
        text = str(error)[:MESSAGE_CHARACTERS]
        return End("failed", None, error.error_code, text, line, column, bool(getattr(error, "retryable", False)))
    text = f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS]
    return End("failed", code="program_error", message=text, line=line, column=column)


def _run(job: ExecutionJob, effects: HostEffects) -> End:
    try:
        module, _, attribute = job.entry.partition(":")
        entry: Any = importlib.import_module(module)
        for part in attribute.split("."):
            entry = getattr(entry, part)
        return End("completed", entry(job, effects))
    except BaseException as error:
        return _failure(error)


def _stop(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _report(channel: Channel, end: End) -> None:
    try:
        channel.send(encode(end))
    except BrokenPipeError:
        pass
    except (TypeError, ValueError, OverflowError, RecursionError, EffectFailed) as error:
        text = f"the result cannot be sent: {error}"[:MESSAGE_CHARACTERS]
        channel.send(encode(End("failed", code="program_error", message=text)))


def serve(descriptor: int) -> None:
    """Take the job from the channel, run it, report its end; never raises."""
    channel = Channel(descriptor, limit=1 << 31)
    message = decode_from_parent(channel.receive())
    if not isinstance(message, Job):
        os._exit(76)
    channel.limit = message.frame_bytes
    effects = HostEffects(channel)
    if message.heartbeat_seconds > 0:
        signal.signal(signal.SIGALRM, lambda number, frame: channel.send_if_idle(encode(Beat(effects.steps))))
        signal.setitimer(signal.ITIMER_REAL, message.heartbeat_seconds, message.heartbeat_seconds)
    try:
        signal.signal(signal.SIGTERM, _stop)
        end = _run(message.job, effects)
    except Stopped as stopped:
        end = _failure(stopped)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
    _report(channel, end)


def main() -> None:
    """Serve on the channel that the warden has left open, then leave without ceremony."""
    from symbi_process.confine import CHANNEL

    sys.path += sys.argv[1:]
    serve(CHANNEL)
    os._exit(0)


if __name__ == "__main__":
    main()
