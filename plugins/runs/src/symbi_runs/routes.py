"""The routes below `/api/v1/runs`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, get_args

import msgspec
from litestar import Request, Response, get, post

from symbi.contracts.agents import AgentService
from symbi.contracts.errors import Forbidden, InvalidRequest
from symbi.contracts.principal import Principal
from symbi.contracts.runs import END_STATES, RunOptions, RunService, RunStatus, RunView
from symbi.http.access import require_agent
from symbi.http.paging import read_limit
from symbi.http.sse import ServerEvent, event_stream, last_event_id
from symbi.http.tracing import current_traceparent
from symbi.kernel.services import Services
from symbi_runs.wire import shown_event, shown_run

__all__ = ["HANDLERS"]


class StartRun(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /runs`: a registered agent by name or id, or a definition for this run alone (and which agent of it)."""

    agent: str | None = None
    definition: str | None = None
    input: Any = None
    priority: Literal["low", "normal", "high", "critical"] = "normal"
    timeout_seconds: float | None = None
    session: str | None = None
    surface: Literal["run", "cli"] = "run"


class CancelRun(msgspec.Struct, kw_only=True):
    """The body of `POST /runs/{id}/cancel`."""

    reason: str = ""


async def _reached(run_id: str, services: Services, principal: Principal) -> RunView:
    view = await services.get(RunService).get(run_id)
    require_agent(principal, view.agent_id)
    return view


@post("/runs", status_code=201, opt={"idempotent": True})
async def start_run(
    data: StartRun, request: Request[Any, Any, Any], services: Services, principal: Principal
) -> dict[str, Any]:
    """Start a run; answers once it is durable."""
    if data.agent is None and data.definition is None:
        raise InvalidRequest(
            "give an agent or a definition", details={"field": "agent", "reason": "missing_required_field"}
        )
    if data.definition is not None and not principal.admin:
        raise Forbidden(
            "Running a definition that is not registered needs an administrator's credential.", code="ADMIN_REQUIRED"
        )
    name = data.agent or ""
    if data.definition is None:
        found = await services.get(AgentService).resolve(name)
        if found is not None:
            require_agent(principal, found.id)
    options = RunOptions(
        trigger="cli" if data.surface == "cli" else "manual",
        priority=data.priority,
        timeout_seconds=data.timeout_seconds,
        session=data.session,
        definition=data.definition,
        idempotency_key=request.headers.get("idempotency-key"),
        traceparent=current_traceparent(),
        surface="run",
    )
    return shown_run(await services.get(RunService).start(name, data.input, principal=principal, options=options))


@get("/runs")
async def list_runs(
    request: Request[Any, Any, Any],
    services: Services,
    principal: Principal,
    agent_id: str | None = None,
    schedule_id: str | None = None,
    before: int | None = None,
) -> dict[str, Any]:
    """List runs, newest first: `?agent_id=`, `?status=` (several), `?schedule_id=`, `?limit=`, `?before=` (milliseconds)."""
    statuses = [str(each) for each in request.query_params.getall("status", [])]
    known = get_args(RunStatus)
    if unknown := [each for each in statuses if each not in known]:
        raise InvalidRequest(
            f"no status {unknown[0]!r}; one of {', '.join(known)}", details={"field": "status", "reason": "unknown"}
        )
    if before is not None and not 0 <= before < 1 << 53:
        raise InvalidRequest(
            "before must be milliseconds since 1970", details={"field": "before", "reason": "out_of_range"}
        )
    runs = services.get(RunService)
    found = await runs.list(
        agent_id=agent_id, status=statuses, schedule_id=schedule_id, limit=read_limit(request), before=before
    )
    return {"runs": [shown_run(view) for view in found if principal.may_use_agent(view.agent_id)]}


@get("/runs/{run_id:str}")
async def show_run(run_id: str, services: Services, principal: Principal) -> dict[str, Any]:
    """Show one run."""
    return shown_run(await _reached(run_id, services, principal))


@get("/runs/{run_id:str}/events")
async def run_events(
    run_id: str, request: Request[Any, Any, Any], services: Services, principal: Principal, follow: bool = True
) -> Response[Any]:
    """Stream the journal: the run as it is, what the journal holds after `Last-Event-ID`, then what comes; `end` closes the stream.

    A client that does not accept `text/event-stream` gets what is there as JSON.
    """
    view = await _reached(run_id, services, principal)
    runs, after = services.get(RunService), last_event_id(request)
    if "text/event-stream" not in request.headers.get("accept", ""):
        events = [shown_event(event) async for event in runs.events(run_id, after=after, follow=False)]
        return Response({"run_id": run_id, "status": view.status, "events": events})
    return event_stream(request, _stream(runs, view, after, follow=follow))


async def _stream(runs: RunService, view: RunView, after: int, *, follow: bool) -> AsyncIterator[ServerEvent]:
    if after == 0:
        yield ServerEvent(event="snapshot", data=shown_run(view))
    async for event in runs.events(view.run_id, after=after, follow=follow):
        yield ServerEvent(id=event.seq, event=event.kind, data=shown_event(event))
    last = await runs.get(view.run_id)
    if last.status in END_STATES:
        yield ServerEvent(event="end", data=shown_run(last))


@post("/runs/{run_id:str}/cancel", status_code=200)
async def cancel_run(
    run_id: str, services: Services, principal: Principal, data: CancelRun | None = None
) -> dict[str, str]:
    """Ask a run to stop; it ends `terminated`."""
    await _reached(run_id, services, principal)
    await services.get(RunService).cancel(run_id, principal=principal, reason=(data or CancelRun()).reason[:500])
    return {"run_id": run_id, "action": "cancelled", "status": "ok"}


HANDLERS = [start_run, list_runs, show_run, run_events, cancel_run]
