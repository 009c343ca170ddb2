"""The messages between the runtime and its warden: one packet each, JSON, on a SOCK_SEQPACKET pair."""

from __future__ import annotations

from typing import Union

import msgspec

from symbi_process.confine import Confinement

__all__ = ["PACKET", "Died", "Preload", "Signal", "Spawn", "Spawned", "decode_order", "decode_report", "encode"]

PACKET = 128 * 1024
"""The largest packet; a longer environment is refused before it is sent."""


class Spawn(msgspec.Struct, frozen=True, tag="spawn"):
    """Runtime: start a child with the two file descriptors sent along (channel, output); `command` empty = fork it warm."""

    id: int
    plan: Confinement
    command: tuple[str, ...] = ()


class Signal(msgspec.Struct, frozen=True, tag="signal"):
    """Runtime: send a signal to the whole group of a child, if it is still there."""

    id: int
    number: int


class Preload(msgspec.Struct, frozen=True, tag="preload"):
    """Runtime: import these modules, so that later children have them."""

    modules: tuple[str, ...]


class Spawned(msgspec.Struct, frozen=True, tag="spawned"):
    """Warden: the child runs (or, with `error`, could not be started)."""

    id: int
    pid: int = 0
    error: str = ""


class Died(msgspec.Struct, frozen=True, tag="died"):
    """Warden: the child and everything that came of it are gone; `status` as of waitpid(2), memory in bytes, strays killed."""

    id: int
    status: int
    cpu_seconds: float
    peak_memory_bytes: int
    strays: int = 0


Order = Union[Spawn, Signal, Preload]  # noqa: UP007 - msgspec needs the union as a value
Report = Union[Spawned, Died]  # noqa: UP007

_encoder = msgspec.json.Encoder()
_orders = msgspec.json.Decoder(Order)
_reports = msgspec.json.Decoder(Report)


def encode(message: Order | Report) -> bytes:
    """Return the message as one packet."""
    return _encoder.encode(message)


def decode_order(packet: bytes) -> Order:
    """Read one packet of the runtime."""
    found: Order = _orders.decode(packet)
    return found


def decode_report(packet: bytes) -> Report:
    """Read one packet of the warden."""
    found: Report = _reports.decode(packet)
    return found
