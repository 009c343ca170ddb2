"""The routes of schedules (seed, "Scheduling API"; runtime-api.md §1.4)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post, put

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi.contracts.scheduling import (
    CalendarView,
    DayMatch,
    DstGap,
    DstOverlap,
    OnExcluded,
    Overlap,
    ScheduleChange,
    ScheduleRequest,
    SchedulerService,
    ScheduleView,
)
from symbi.http import read_count, read_limit, require_admin
from symbi.kernel.clock import rfc3339
from symbi.kernel.services import Services
from symbi_scheduler import wire
from symbi_scheduler.instants import read_instant

__all__ = ["HANDLERS"]

_ADMIN = [require_admin]
_STATES = ("active", "paused", "completed", "failed", "dead_letter")


class PreviewBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /schedules/preview`; `expression` or `cron_expression`, `at`, or `every_seconds`."""

    expression: str | None = None
    cron_expression: str | None = None
    at: str | None = None
    every_seconds: float | None = None
    timezone: str = "UTC"
    dst_gap: DstGap = "auto"
    dst_overlap: DstOverlap = "auto"
    day_match: DayMatch = "and"
    calendar: str | None = None
    on_excluded: OnExcluded = "skip"
    count: int = 5
    after: str | None = None


class BackfillBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /schedules/{id}/backfill`: the half-open range [from, to) in ISO 8601."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    overlap: Overlap | None = None
    dry_run: bool = False


class ResumeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The optional body of `POST /schedules/{id}/resume`."""

    catch_up: bool = False


class TriggerBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The optional body of `POST /schedules/{id}/trigger`."""

    force: bool = False
    input: Any = msgspec.UNSET


class CalendarBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `PUT /calendars/{name}`: dates, weekdays (0 = Sunday), or an iCalendar text whose events' days are taken."""

    dates: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    ical: str | None = None


@get("/schedules", guards=_ADMIN)
async def list_schedules(
    services: Services, status: str | None = None, agent_id: str | None = None, detail: bool = False
) -> list[Any]:
    """List the schedules, oldest first; `?status=` and `?agent_id=` narrow, `?detail=true` widens."""
    if status is not None and status not in _STATES:
        raise InvalidRequest(f"status must be one of {', '.join(_STATES)}", details={"field": "status"})
    found = await services.get(SchedulerService).list(status=status, agent_id=agent_id)
    return [wire.full(view) if detail else wire.summary(view) for view in found]


@post("/schedules", status_code=200, guards=_ADMIN, opt={"idempotent": True})
async def create_schedule(data: ScheduleRequest, services: Services, principal: Principal) -> Response[dict[str, Any]]:
    """Create a schedule; warnings about the expression come in the header `X-Symbi-Warnings` (a JSON list)."""
    view = await services.get(SchedulerService).create(data, principal=principal)
    next_run = None if view.next_run is None else rfc3339(view.next_run)
    return _with_warnings({"job_id": view.id, "next_run": next_run, "status": "created"}, view)


@post("/schedules/preview", status_code=200, guards=_ADMIN)
async def preview_schedule(data: PreviewBody, services: Services) -> dict[str, Any]:
    """Say when an expression would fire, in which words, and what is odd about it; nothing is stored."""
    if not 1 <= data.count <= 1000:
        raise InvalidRequest("count must be a whole number between 1 and 1000", details={"field": "count"})
    request = ScheduleRequest(
        name="preview",
        agent_name="preview",
        cron_expression=data.cron_expression if data.cron_expression is not None else data.expression,
        at=data.at,
        every_seconds=data.every_seconds,
        timezone=data.timezone,
        dst_gap=data.dst_gap,
        dst_overlap=data.dst_overlap,
        day_match=data.day_match,
        calendar=data.calendar,
        on_excluded=data.on_excluded,
    )
    after = None if data.after is None else read_instant("after", data.after)
    found = await services.get(SchedulerService).preview(request, count=data.count, after=after)
    return {
        "expression": found.expression,
        "timezone": found.timezone,
        "next_runs": [rfc3339(time) for time in found.next_runs],
        "warnings": found.warnings,
        "description": found.description,
        "dst_gap": found.dst_gap or None,
        "dst_overlap": found.dst_overlap or None,
    }


@get("/schedules/{job_id:str}", guards=_ADMIN)
async def show_schedule(job_id: str, services: Services, detail: bool = False) -> dict[str, Any]:
    """Show one schedule; `?detail=true` shows everything about it."""
    view = await services.get(SchedulerService).get(job_id)
    return wire.full(view) if detail else wire.detail(view)


@put("/schedules/{job_id:str}", guards=_ADMIN)
async def update_schedule(
    job_id: str, data: ScheduleChange, services: Services, principal: Principal
) -> Response[dict[str, Any]]:
    """Change a schedule; what the body leaves out stays as it is."""
    view = await services.get(SchedulerService).update(job_id, data, principal=principal)
    return _with_warnings(wire.detail(view), view)


@delete("/schedules/{job_id:str}", status_code=200, guards=_ADMIN)
async def delete_schedule(job_id: str, services: Services, principal: Principal) -> dict[str, Any]:
    """Delete a schedule; a run of it that is under way goes on."""
    await services.get(SchedulerService).delete(job_id, principal=principal)
    return {"job_id": job_id, "deleted": True}


@post("/schedules/{job_id:str}/pause", status_code=200, guards=_ADMIN)
async def pause_schedule(job_id: str, services: Services, principal: Principal) -> dict[str, Any]:
    """Stop firing until resumed."""
    await services.get(SchedulerService).pause(job_id, principal=principal)
    return _done(job_id, "paused")


@post("/schedules/{job_id:str}/resume", status_code=200, guards=_ADMIN)
async def resume_schedule(
    job_id: str, services: Services, principal: Principal, data: ResumeBody | None = None
) -> dict[str, Any]:
    """Fire again; with `{"catch_up": true}` what was missed while paused is caught up."""
    catch_up = data is not None and data.catch_up
    await services.get(SchedulerService).resume(job_id, principal=principal, catch_up=catch_up)
    return _done(job_id, "resumed")


@post("/schedules/{job_id:str}/reset", status_code=200, guards=_ADMIN)
async def reset_schedule(job_id: str, services: Services, principal: Principal) -> dict[str, Any]:
    """Forget the failures of a schedule; one that was given up fires again."""
    await services.get(SchedulerService).reset(job_id, principal=principal)
    return _done(job_id, "reset")


@post("/schedules/{job_id:str}/trigger", status_code=200, guards=_ADMIN, opt={"idempotent": True})
async def trigger_schedule(
    job_id: str, services: Services, principal: Principal, data: TriggerBody | None = None
) -> dict[str, Any]:
    """Fire once now, also while paused; 409 where the overlap policy leaves no room and `force` is not set."""
    body = data or TriggerBody()
    await services.get(SchedulerService).trigger(job_id, principal=principal, force=body.force, input=body.input)
    return _done(job_id, "triggered")


@post("/schedules/{job_id:str}/backfill", status_code=200, guards=_ADMIN)
async def backfill_schedule(
    job_id: str, data: BackfillBody, services: Services, principal: Principal
) -> dict[str, Any]:
    """Run the fires of a past range that never ran; the same call again runs none."""
    found = await services.get(SchedulerService).backfill(
        job_id,
        start=read_instant("from", data.start),
        end=read_instant("to", data.end),
        overlap=data.overlap,
        dry_run=data.dry_run,
        principal=principal,
    )
    return {
        "job_id": job_id,
        "created": 0 if found.dry_run else len(found.scheduled),
        "scheduled_for": [rfc3339(time) for time in found.scheduled],
        "already_there": found.already_there,
        "dry_run": found.dry_run,
    }


@get("/schedules/{job_id:str}/history", guards=_ADMIN)
async def schedule_history(
    job_id: str, request: Request[Any, Any, Any], services: Services, before: str | None = None, detail: bool = False
) -> dict[str, Any]:
    """Show what became of each fire, newest first; `?detail=true` adds when, why and how late."""
    earliest = None if before is None else read_instant("before", before)
    found = await services.get(SchedulerService).history(job_id, limit=read_limit(request), before=earliest)
    return {
        "job_id": job_id,
        "history": [wire.fire_entry(fire) if detail else wire.history_entry(fire) for fire in found],
    }


@get(["/schedules/{job_id:str}/next", "/schedules/{job_id:str}/next-runs"], guards=_ADMIN)
async def schedule_next_runs(job_id: str, request: Request[Any, Any, Any], services: Services) -> dict[str, Any]:
    """Show the next fire times; `?count=` between 1 and 1000."""
    times = await services.get(SchedulerService).next_runs(job_id, count=read_count(request))
    return {"job_id": job_id, "next_runs": [rfc3339(time) for time in times]}


@get("/health/scheduler", guards=_ADMIN)
async def scheduler_health(services: Services) -> Any:
    """Show the scheduler's health: thirteen facts."""
    return await services.get(SchedulerService).figures()


@get("/calendars", guards=_ADMIN)
async def list_calendars(services: Services) -> list[Any]:
    """List the named calendars."""
    return [_calendar(each) for each in await services.get(SchedulerService).calendars()]


@put("/calendars/{name:str}", guards=_ADMIN)
async def put_calendar(name: str, data: CalendarBody, services: Services, principal: Principal) -> dict[str, Any]:
    """Make or replace a calendar; schedules that use it are computed anew."""
    from symbi_scheduler.icalendar import read_icalendar

    dates = (*data.dates, *(read_icalendar(data.ical) if data.ical is not None else ()))
    calendar = CalendarView(name=name, dates=dates, weekdays=data.weekdays)
    return _calendar(await services.get(SchedulerService).put_calendar(calendar, principal=principal))


@delete("/calendars/{name:str}", status_code=200, guards=_ADMIN)
async def delete_calendar(name: str, services: Services, principal: Principal) -> dict[str, Any]:
    """Delete a calendar that no schedule uses."""
    await services.get(SchedulerService).delete_calendar(name, principal=principal)
    return {"name": name, "deleted": True}


def _done(job_id: str, action: str) -> dict[str, Any]:
    return {"job_id": job_id, "action": action, "status": "ok"}


def _calendar(view: CalendarView) -> dict[str, Any]:
    return {"name": view.name, "dates": view.dates, "weekdays": view.weekdays, "updated_at": rfc3339(view.updated_at)}


def _with_warnings(body: dict[str, Any], view: ScheduleView) -> Response[dict[str, Any]]:
    headers = {"X-Symbi-Warnings": json.dumps(view.warnings)} if view.warnings else {}
    return Response(body, headers=headers)


HANDLERS = [
    list_schedules,
    create_schedule,
    preview_schedule,
    show_schedule,
    update_schedule,
    delete_schedule,
    pause_schedule,
    resume_schedule,
    reset_schedule,
    trigger_schedule,
    backfill_schedule,
    schedule_history,
    schedule_next_runs,
    scheduler_health,
    list_calendars,
    put_calendar,
    delete_calendar,
]
