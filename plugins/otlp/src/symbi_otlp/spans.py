"""One trace per run, read from its journal: what was recorded is what is shown, and tracing costs a run nothing while it runs.

The run is a span `invoke_agent`; each effect a child (`execute_tool`, `chat`, …) with the gate's decision as an event on it. Attributes follow
OpenTelemetry's GenAI conventions. Ids are derived from the run's id, so that sending a trace twice gives the same trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from symbi.contracts.masking import mask, mask_text
from symbi.contracts.runs import RunEvent, RunView
from symbi.contracts.telemetry import DeliveryTried, RequestServed, run_span_id, run_trace, split_traceparent
from symbi_otlp.config import OtlpConfig

__all__ = ["Place", "SpanFacts", "delivery_span", "place_of", "request_span", "run_spans", "sampled"]

_CONTENT_LIMIT = 4096
_OPERATIONS = {"tool": "execute_tool", "model": "chat", "reason": "chat", "delegate": "invoke_agent"}


class SpanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One span, before the SDK sees it; times are UTC nanoseconds, ids hexadecimal."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, int, dict[str, Any]], ...] = ()
    error: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where a run stands in its trace; `parent_id` is empty where the trace begins with it."""

    trace_id: str
    span_id: str
    parent_id: str
    sampled: bool


def place_of(run_id: str, events: Sequence[RunEvent]) -> Place:
    """Return a run's place in its trace, from the first of its journal; one without a trace is the root of one of its own."""
    given = next((each.data["traceparent"] for each in events[:3] if each.data.get("traceparent")), None)
    parts = split_traceparent(run_trace(run_id, given, None))
    assert parts is not None
    own = run_span_id(run_id)
    return Place(parts[0], own, "" if parts[1] == own else parts[1], parts[2])


def delivery_span(event: DeliveryTried, place: Place) -> SpanFacts:
    """Return the span of one attempt to deliver a run's result, a child of the run."""
    return SpanFacts(
        name=f"deliver {event.target}",
        kind="client",
        trace_id=place.trace_id,
        span_id=_id(event.run_id, f"deliver:{event.target}:{event.attempt}:{event.at}"),
        parent_id=place.span_id,
        start_ns=event.at * 1_000_000,
        end_ns=event.at * 1_000_000 + int(event.seconds * 1e9),
        attributes={
            "symbi.delivery.target": event.target,
            "symbi.delivery.attempt": event.attempt,
            "symbi.run.id": event.run_id,
            **({} if event.delivered else {"error.type": "delivery_failed"}),
        },
        error="" if event.delivered else mask_text(event.error) or "not delivered",
    )


def request_span(event: RequestServed) -> SpanFacts:
    """Return the server span of one HTTP request."""
    parent = event.parent.split("-")
    attributes: dict[str, Any] = {
        "http.request.method": event.method,
        "http.response.status_code": event.status,
        "url.scheme": event.scheme,
    }
    if event.route:
        attributes["http.route"] = event.route
    return SpanFacts(
        name=f"{event.method} {event.route}".strip(),
        kind="server",
        trace_id=event.trace_id,
        span_id=event.span_id,
        parent_id=parent[2] if len(parent) >= 4 and parent[1] == event.trace_id else "",
        start_ns=event.started_ns,
        end_ns=event.started_ns + int(event.seconds * 1e9),
        attributes=attributes,
        error=f"status {event.status}" if event.status >= 500 else "",
    )


def run_spans(run: RunView, events: Sequence[RunEvent], config: OtlpConfig) -> list[SpanFacts]:
    """Return the spans of one ended run, the run's own first."""
    place = place_of(run.run_id, events)
    trace_id, parent_id, root = place.trace_id, place.parent_id, place.span_id
    gates: dict[Any, list[tuple[str, int, dict[str, Any]]]] = {}
    spans: list[SpanFacts] = []
    for event in events:
        if event.kind == "gate":
            facts = {
                "symbi.policy.decision": event.data.get("decision", ""),
                "symbi.policy.ids": tuple(event.data.get("policies", ())),
            }
            reason = {"symbi.policy.reason": mask_text(str(event.data.get("reason", "")))[:_CONTENT_LIMIT]}
            gates.setdefault(event.data.get("effect"), []).append(
                ("symbi.policy.decided", event.at * 1_000_000, {**facts, **reason})
            )
        elif event.kind == "effect":
            spans.append(_effect(run, event, trace_id, root, gates.pop(event.data.get("effect"), []), config))
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": run.agent,
        "gen_ai.agent.id": run.agent_id,
    }
    attributes |= {
        "symbi.run.id": run.run_id,
        "symbi.run.trigger": run.trigger,
        "symbi.run.status": run.status,
        "symbi.run.attempt": run.attempt,
    }
    attributes[_provider(config)] = "symbi"
    if run.schedule_id:
        attributes["symbi.schedule.id"] = run.schedule_id
    if run.scheduled_for is not None:
        attributes["symbi.schedule.delay"] = max(0, (run.started_at or run.created_at) - run.scheduled_for) / 1000
    if run.usage.tokens is not None:
        attributes["gen_ai.usage.total_tokens"] = run.usage.tokens
    if config.capture_content:
        attributes |= {"symbi.run.input": _content(run.input), "symbi.run.result": _content(run.result)}
    failed = (run.error or {}).get("message", run.status) if run.status in ("failed", "lost") else ""
    own = SpanFacts(
        name=f"invoke_agent {run.agent}",
        kind="internal",
        trace_id=trace_id,
        span_id=root,
        parent_id=parent_id,
        start_ns=run.created_at * 1_000_000,
        end_ns=(run.completed_at or run.created_at) * 1_000_000,
        attributes={**attributes, **({"error.type": (run.error or {}).get("code", "unknown")} if failed else {})},
        events=tuple(
            (event.kind, event.at * 1_000_000, {})
            for event in events
            if event.kind in ("claimed", "started", "waiting", "resumed", "retry")
        )
        + tuple(each for left in gates.values() for each in left),
        error=mask_text(str(failed)),
    )
    return [own, *spans]


def _effect(
    run: RunView,
    event: RunEvent,
    trace_id: str,
    root: str,
    gates: list[tuple[str, int, dict[str, Any]]],
    config: OtlpConfig,
) -> SpanFacts:
    data = event.data
    kind, name = str(data.get("kind", "effect")), str(data.get("name", ""))
    operation = _OPERATIONS.get(kind, kind)
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "symbi.effect.kind": kind,
        "symbi.effect.status": data.get("status", ""),
    }
    if kind == "tool":
        attributes |= {
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": str(data.get("call_id") or data.get("effect", "")),
        }
    if data.get("line"):
        attributes["code.line.number"] = data["line"]
    attributes |= _model(kind, name, data, config)
    if config.capture_content:
        attributes |= {
            "gen_ai.tool.call.arguments": _content(data.get("arguments")),
            "gen_ai.tool.call.result": _content(data.get("value")),
        }
    ok = data.get("status") == "ok"
    end = event.at * 1_000_000
    return SpanFacts(
        name=f"{operation} {name}".strip(),
        kind="client" if kind in ("model", "reason") else "internal",
        trace_id=trace_id,
        span_id=_id(run.run_id, f"{run.attempt}:{data.get('effect')}:{event.seq}"),
        parent_id=root,
        start_ns=end - int(data.get("ms") or 0) * 1_000_000,
        end_ns=end,
        attributes={**attributes, **({} if ok else {"error.type": str(data.get("code") or "failed")})},
        events=tuple(gates),
        error="" if ok else mask_text(str(data.get("message", "failed"))),
    )


def _model(kind: str, name: str, data: dict[str, Any], config: OtlpConfig) -> dict[str, Any]:
    """Return the attributes of a model's span, from the usage that the answer carries."""
    if kind not in ("model", "reason"):
        return {}
    value = data.get("value")
    usage = value.get("usage") if isinstance(value, dict) else data.get("usage")
    attributes: dict[str, Any] = {
        _provider(config): (value or {}).get("provider", "") if isinstance(value, dict) else "",
        "gen_ai.request.model": name,
    }
    if isinstance(usage, dict):
        for ours, theirs in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")):
            if isinstance(usage.get(ours), int):
                attributes[f"gen_ai.usage.{theirs}"] = usage[ours]
    return {key: each for key, each in attributes.items() if each != ""}


def sampled(trace_id: str, ratio: float) -> bool:
    """Tell whether a trace that begins here is sent: the share `ratio` of all trace ids, the same everywhere (as the SDK's ratio sampler)."""
    return int(trace_id[16:], 16) < int(ratio * (1 << 64))


def _provider(config: OtlpConfig) -> str:
    return "gen_ai.system" if config.semantic_conventions == "1.36" else "gen_ai.provider.name"


def _id(run_id: str, what: str) -> str:
    return hashlib.sha256(f"{run_id}:{what}".encode()).hexdigest()[:16]


def _content(value: Any) -> str:
    return msgspec.json.encode(mask(value)).decode("utf-8", "replace")[:_CONTENT_LIMIT]
