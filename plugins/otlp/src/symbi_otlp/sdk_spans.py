"""From span facts to the SDK's spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symbi_otlp.spans import SpanFacts

__all__ = ["to_sdk"]


def to_sdk(spans: Sequence[SpanFacts], resource: Any) -> list[Any]:
    """Return `ReadableSpan`s; importing the SDK happens here."""
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    scope = InstrumentationScope("symbi")
    return [_one(span, resource, scope) for span in spans]


def _one(span: SpanFacts, resource: Any, scope: Any) -> Any:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.status import Status, StatusCode

    kinds = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT}
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
        resource=resource,
        attributes=span.attributes,
        events=[Event(name, attributes, timestamp=at) for name, at, attributes in span.events],
        kind=kinds.get(span.kind, SpanKind.INTERNAL),
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
        start_time=span.start_ns,
        end_time=max(span.start_ns, span.end_ns),
        instrumentation_scope=scope,
    )


def _context(trace_id: str, span_id: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
