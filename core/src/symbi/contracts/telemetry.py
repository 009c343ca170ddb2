"""Telemetry: what parts of the runtime tell of what they did, for metrics, traces and logs."""

from __future__ import annotations

import hashlib
from contextvars import ContextVar
from typing import Protocol

import msgspec

__all__ = [
    "DeliveryTried",
    "ModelCalled",
    "RequestServed",
    "TraceSampler",
    "inside_run",
    "log_fields",
    "run_span_id",
    "run_trace",
    "split_traceparent",
]

log_fields: ContextVar[dict[str, str]] = ContextVar("symbi_log_fields", default={})  # noqa: B039  # never mutated
"""What every log record of this task carries besides its text: `request_id`, `trace_id`, `run_id`."""


class RequestServed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bus event: one HTTP request was answered; published only where somebody listens.

    `route` is the template of the path (`/api/v1/agents/{agent_id}`), empty where none matched; `started_ns` is UTC nanoseconds, `parent` the
    `traceparent` header that came in, as it came.
    """

    method: str
    route: str
    status: int
    started_ns: int
    seconds: float
    trace_id: str
    span_id: str
    sampled: bool
    parent: str = ""
    scheme: str = "http"


class ModelCalled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bus event: one call of a model came back, or failed with `error` (a code of ours, empty where it did not)."""

    provider: str
    model: str
    seconds: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""


class DeliveryTried(msgspec.Struct, frozen=True, kw_only=True):
    """Bus event: the result of a run was handed to a delivery target, or could not be; `at` is UTC milliseconds when it began."""

    run_id: str
    target: str
    delivered: bool
    attempt: int
    at: int
    seconds: float
    error: str = ""


class TraceSampler(Protocol):
    """Decides which traces that begin here are recorded; a trace that came in with a decision keeps it (W3C Trace Context §3.2.2.5)."""

    def samples(self, trace_id: str, *, request: bool = False) -> bool:
        """Tell whether the trace is recorded: asked once, when it begins, with a `request` or with a run; what it says goes on in the flags."""


def split_traceparent(value: str | None) -> tuple[str, str, bool] | None:
    """Return `(trace id, span id, sampled)` of a `traceparent` that was checked when it came in, None where there is none."""
    parts = (value or "").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    return parts[1], parts[2], parts[3][-1:] in tuple("13579bdf")


def run_span_id(run_id: str) -> str:
    """Return the id of a run's own span, derived from the run's id, so that every node and every sending gives the same."""
    return hashlib.sha256(f"{run_id}:run".encode()).hexdigest()[:16]


def run_trace(run_id: str, traceparent: str | None, sampler: TraceSampler | None) -> str:
    """Return the `traceparent` that a run was begun under.

    Without one, the run begins a trace of its own, and names its own span as the parent: that is how a root is told from a child.
    """
    if split_traceparent(traceparent) is not None:
        return str(traceparent)
    trace_id = hashlib.sha256(run_id.encode()).hexdigest()[:32]
    flags = "01" if sampler is None or sampler.samples(trace_id) else "00"
    return f"00-{trace_id}-{run_span_id(run_id)}-{flags}"


def inside_run(run_id: str, traceparent: str | None) -> str | None:
    """Return the `traceparent` for what a run causes: its trace, its own span as the parent."""
    parts = split_traceparent(traceparent)
    return f"00-{parts[0]}-{run_span_id(run_id)}-{'01' if parts[2] else '00'}" if parts else None
