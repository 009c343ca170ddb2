"""The state of an agent as the seed words it, from its runs, its heartbeats and real measurements."""

from __future__ import annotations

from typing import Any

from symbi.contracts.agents import AgentState, AgentView, StateWords
from symbi.contracts.runs import LiveRun, RunService, RunView
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi_agents import records

__all__ = ["status_of"]

_MISSED_INTERVALS = 3
_DEFAULT_INTERVAL = 60
_ENDED: dict[str, AgentState] = {
    "completed": "completed",
    "failed": "failed",
    "lost": "failed",
    "terminated": "terminated",
}
_IDLE_MODES = frozenset({"event_driven", "scheduled"})


async def status_of(agent: AgentView, context: PluginContext) -> dict[str, Any]:
    """Return the answer of `GET /agents/{id}/status`; figures are null where nothing was measured, never an invented zero."""
    runs = context.services.maybe(RunService)
    live = list(await runs.live(agent.id)) if runs else []
    last = (await runs.list(agent_id=agent.id, limit=1)) if runs else []
    report = await context.store.read(records.report_of, agent.id) if agent.mode == "external" else None
    state = (
        _external_state(agent, report, context.clock.now_ms())
        if agent.mode == "external"
        else _state(agent, live, last)
    )
    words = context.services.maybe(StateWords)
    running = [each for each in live if each.status == "running"]
    memory = _total([each.memory_bytes for each in running])
    cpu = _total([each.cpu_percent for each in running])
    answer: dict[str, Any] = {
        "agent_id": agent.id,
        "state": words.word(state) if words else state,
        "last_activity": rfc3339(_last_activity(agent, live, last, report)),
        "scheduled_at": rfc3339(last[0].scheduled_for or last[0].created_at) if last else None,
        "resource_usage": {
            "memory_usage": memory,
            "cpu_usage": cpu,
            "active_tasks": len(running),
            "memory_bytes": memory,
            "cpu_percent": cpu,
        },
        "execution_context": _execution(agent, running, context.clock.now_ms(), state),
        "execution_mode": agent.mode,
        "name": agent.name,
    }
    if report is not None:
        answer |= {"metadata": report.metadata, "last_result": report.last_result, "recent_events": report.events}
    return answer


def _state(agent: AgentView, live: list[LiveRun], last: list[RunView]) -> AgentState:
    if any(each.status == "running" for each in live):
        return "running"
    if live:
        return "waiting"
    if not last or agent.mode in _IDLE_MODES:
        return "ready"
    return _ENDED.get(last[0].status, "ready")


def _external_state(agent: AgentView, report: Any, now_ms: int) -> AgentState:
    if report is None:
        return "ready"
    silent = now_ms - report.at
    if report.state not in _ENDED.values() and silent > _MISSED_INTERVALS * 1000 * (
        agent.heartbeat_interval_seconds or _DEFAULT_INTERVAL
    ):
        return "unreachable"
    found: AgentState = report.state
    return found


def _execution(agent: AgentView, running: list[LiveRun], now_ms: int, state: AgentState) -> dict[str, Any]:
    first = running[-1] if running else None
    healthy = state not in ("failed", "unreachable") and all(each.healthy for each in running)
    return {
        "execution_mode": agent.mode,
        "process_id": first.pid if first else None,
        "uptime": _hours((now_ms - first.started_at) // 1000) if first and first.started_at else None,
        "health_status": "healthy" if healthy else "unhealthy",
    }


def _last_activity(agent: AgentView, live: list[LiveRun], last: list[RunView], report: Any) -> int:
    moments = [agent.updated_at, *(each.sampled_at or 0 for each in live), report.at if report is not None else 0]
    if last:
        moments += [last[0].created_at, last[0].started_at or 0, last[0].completed_at or 0]
    return max(moments)


def _total(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _hours(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
