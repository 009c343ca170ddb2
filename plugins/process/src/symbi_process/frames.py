"""The messages between the runtime and an agent host: JSON with a length before it, over one socket pair.

JSON, because what passes is JSON by contract (whole numbers of any size included) and goes to the journal as it is.
"""

from __future__ import annotations

import struct
from typing import Any, Union

import msgspec

from symbi.contracts.effects import EffectCall, EffectReply
from symbi.contracts.executors import ExecutionJob

__all__ = [
    "HEADER",
    "Ask",
    "Beat",
    "End",
    "FrameTooLarge",
    "Job",
    "Log",
    "Reply",
    "Splitter",
    "Step",
    "decode_from_child",
    "decode_from_parent",
    "encode",
]

HEADER = struct.Struct(">I")


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Child: one effect is wanted."""

    call: EffectCall


class Step(msgspec.Struct, frozen=True, tag="step"):
    """Child: the program has reached a line."""

    line: int
    count: int


class Log(msgspec.Struct, frozen=True, tag="log"):
    """Child: one line for the journal."""

    message: str
    line: int = 0


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Child: still alive; `steps` counts the statements so far."""

    steps: int = 0


class End(msgspec.Struct, frozen=True, tag="end"):
    """Child: the program is over."""

    status: str
    value: Any = None
    code: str = ""
    message: str = ""
    line: int = 0
    column: int = 0
    retryable: bool = False


class Job(msgspec.Struct, frozen=True, tag="job"):
    """Parent: this is your work."""

    job: ExecutionJob
    heartbeat_seconds: float = 5.0
    frame_bytes: int = 16 * 1024 * 1024


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """Parent: the answer to one effect."""

    reply: EffectReply


FromChild = Union[Ask, Step, Log, Beat, End]  # noqa: UP007 - msgspec needs the union as a value
FromParent = Union[Job, Reply]  # noqa: UP007

_encoder = msgspec.json.Encoder()
_from_child = msgspec.json.Decoder(FromChild)
_from_parent = msgspec.json.Decoder(FromParent)


class FrameTooLarge(ValueError):
    """A frame is longer than its limit."""


def encode(message: FromChild | FromParent) -> bytes:
    """Return the message as one frame."""
    body = _encoder.encode(message)
    return HEADER.pack(len(body)) + body


def decode_from_child(body: bytes) -> FromChild:
    """Read one frame of a child; raises `msgspec.DecodeError` or `msgspec.ValidationError`."""
    found: FromChild = _from_child.decode(body)
    return found


def decode_from_parent(body: bytes) -> FromParent:
    """Read one frame of the runtime; raises `msgspec.DecodeError` or `msgspec.ValidationError`."""
    found: FromParent = _from_parent.decode(body)
    return found


class Splitter:
    """Cuts a stream of bytes into frames of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what has arrived and return the frames that are whole; raises `FrameTooLarge`."""
        self._buffer += data
        frames: list[bytes] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer, start)
            if length > self._limit:
                raise FrameTooLarge(f"a frame of {length} bytes is over the limit of {self._limit}")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(bytes(self._buffer[start + HEADER.size : end]))
            start = end
        if start:
            del self._buffer[:start]
        return frames
