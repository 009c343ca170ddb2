"""Request ids and W3C trace context: taken over where a caller sends good ones, made here otherwise."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

import msgspec

from symbi.contracts.telemetry import log_fields

__all__ = ["Trace", "begin_trace", "current_request_id", "current_traceparent", "parse_traceparent"]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,128}")
_TRACEPARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)
_current: ContextVar[Trace | None] = ContextVar("symbi_trace", default=None)


class Trace(msgspec.Struct, frozen=True, gc=False):
    """The identity of one request: its id, and its span in a trace (W3C Trace Context level 1)."""

    request_id: str
    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def traceparent(self) -> str:
        """Return the header value that names this request as the parent of what it causes."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def begin_trace(
    request_id: bytes | None, traceparent: bytes | None, *, samples: Callable[[str], bool] | None = None
) -> Trace:
    """Return the trace of a request and make it the current one of this task; `samples` decides on a trace that begins here."""
    randomness = secrets.token_hex(32)
    chosen = request_id.decode() if request_id is not None and _REQUEST_ID.fullmatch(request_id) else randomness[48:]
    parent = parse_traceparent(traceparent) if traceparent else None
    if parent:
        trace_id, flags = parent
    else:
        trace_id = randomness[:32]
        flags = "01" if samples is None or samples(trace_id) else "00"
    trace = Trace(chosen, trace_id, randomness[32:48], flags)
    _current.set(trace)
    log_fields.set({"request_id": chosen, "trace_id": trace_id})
    return trace


def parse_traceparent(value: bytes) -> tuple[str, str] | None:
    """Return `(trace id, flags)` of a `traceparent` header, or None where it must be ignored (W3C §3.2.2)."""
    found = _TRACEPARENT.fullmatch(value.strip())
    if found is None or found["version"] == b"ff" or (found["version"] == b"00" and found["rest"]):
        return None
    if found["trace"] == b"0" * 32 or found["parent"] == b"0" * 16:
        return None
    return found["trace"].decode(), found["flags"].decode()


def current_request_id() -> str | None:
    """Return the id of the request that is being served in this task, or None."""
    trace = _current.get()
    return trace.request_id if trace else None


def current_traceparent() -> str | None:
    """Return the `traceparent` to send on with what this request causes, or None."""
    trace = _current.get()
    return trace.traceparent if trace else None
