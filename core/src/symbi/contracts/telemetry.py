"""Telemetry: what parts of the runtime tell of what they did, for metrics and traces."""

from __future__ import annotations

import msgspec

__all__ = ["RequestServed"]


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
