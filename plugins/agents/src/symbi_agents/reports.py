"""Heartbeats and events: what running and external agents say of themselves."""

from __future__ import annotations

from typing import Any

from symbi.contracts.agents import AgentView
from symbi.contracts.errors import Conflict, InvalidRequest, PayloadTooLarge
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunService
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi_agents import records

__all__ = ["heartbeat", "push_event"]

_STATES = {
    "running": "running", "active": "running", "busy": "running", "ready": "ready", "created": "ready", "initializing": "ready", "idle": "ready",
    "waiting": "waiting", "suspended": "waiting", "completed": "completed", "failed": "failed", "error": "failed",
    "terminating": "terminated", "terminated": "terminated", "stopped": "terminated",
}  # fmt: skip
_KEPT_EVENTS = 100
_METADATA_KEYS, _METADATA_BYTES, _RESULT_BYTES = 64, 4096, 65_536


async def heartbeat(agent: AgentView, body: dict[str, Any], context: PluginContext) -> dict[str, Any]:
    """Take a heartbeat of a running or an external agent and say what was noted.

    Raises `InvalidRequest` for an unknown state or oversized metadata, `Conflict` where nothing of the agent runs.
    """
    state = _state(body.get("state"))
    metadata = _metadata(body.get("metadata"))
    now = context.clock.now_ms()
    if agent.mode == "external":
        await context.store.write(
            _note,
            agent.id,
            {
                "state": state or "running",
                "at": now,
                "metadata": metadata,
                "last_result": _result(body.get("last_result")),
            },
        )
    else:
        runs = context.services.get(RunService)
        if await runs.heartbeat(agent.id) == 0:
            raise Conflict(
                "no run of the agent is under way",
                code="HEARTBEAT_FAILED",
                hint="execute it first, or register it as an external agent",
            )
    return {"agent_id": agent.id, "status": "ok", "state": state, "timestamp": rfc3339(now)}


async def push_event(
    agent: AgentView, body: dict[str, Any], *, principal: Principal, context: PluginContext
) -> dict[str, Any]:
    """Hand an event to an event-driven agent, or note it for an external one.

    Raises `InvalidRequest` without `event_type`, `Conflict` for an agent that takes no events, `PolicyDenied`.
    """
    event_type = body.get("event_type")
    if not isinstance(event_type, str) or not 0 < len(event_type) <= 200:
        raise InvalidRequest(
            "event_type must be a text of 1 to 200 characters",
            details={"field": "event_type", "reason": "missing_required_field"},
        )
    gate = context.services.maybe(Gate)
    if gate is not None:
        resource = ResourceFacts(type="Agent", id=agent.name)
        await gate.authorize(
            PolicyRequest(
                principal=principal,
                action="agent_event",
                target=agent.name,
                resource=resource,
                arguments={"event_type": event_type},
                surface="api",
                source="event",
            )
        )
    if agent.mode == "external":
        event = {"event_type": event_type, "payload": body.get("payload"), "timestamp": rfc3339(context.clock.now())}
        await context.store.write(_append_event, agent.id, event, context.clock.now_ms())
        return {"agent_id": agent.id, "event_id": context.ids.uuid(), "status": "noted"}
    event_id = await context.services.get(RunService).deliver(
        agent.id, event_type, body.get("payload"), principal=principal, event_id=body.get("event_id")
    )
    return {"agent_id": agent.id, "event_id": event_id, "status": "accepted"}


def _note(conn: Any, agent_id: str, values: dict[str, Any]) -> None:
    before = records.report_of(conn, agent_id)
    if before is not None:
        merged = {**before.metadata, **values["metadata"]}
        values = {
            **values,
            "metadata": dict(list(merged.items())[-_METADATA_KEYS:]),
            "last_result": values["last_result"] or before.last_result,
        }
    records.report(conn, agent_id, {"events": before.events if before is not None else [], **values})


def _append_event(conn: Any, agent_id: str, event: dict[str, Any], at: int) -> None:
    before = records.report_of(conn, agent_id)
    events = [*(before.events if before is not None else []), event][-_KEPT_EVENTS:]
    kept = (
        {"state": before.state, "metadata": before.metadata, "last_result": before.last_result}
        if before is not None
        else {"state": "ready", "metadata": {}, "last_result": None}
    )
    records.report(conn, agent_id, {**kept, "at": at, "events": events})


def _state(word: Any) -> str | None:
    if word is None:
        return None
    found = _STATES.get(word.lower()) if isinstance(word, str) else None
    if found is None:
        raise InvalidRequest(
            f"unknown state {word!r}",
            hint=f"one of {', '.join(sorted(_STATES))}",
            details={"field": "state", "reason": "invalid"},
        )
    return found


def _metadata(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and isinstance(text, str) for key, text in value.items()
    ):
        raise InvalidRequest("metadata must map texts to texts", details={"field": "metadata", "reason": "invalid"})
    if len(value) > _METADATA_KEYS or sum(len(key) + len(text) for key, text in value.items()) > _METADATA_BYTES:
        raise PayloadTooLarge(
            f"metadata is limited to {_METADATA_KEYS} keys and {_METADATA_BYTES} characters",
            details={"field": "metadata"},
        )
    return value


def _result(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest("last_result must be a text", details={"field": "last_result", "reason": "invalid"})
    if len(value) > _RESULT_BYTES:
        raise PayloadTooLarge(f"last_result is limited to {_RESULT_BYTES} characters", details={"field": "last_result"})
    return value
