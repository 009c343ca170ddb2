"""The scheduler service: what the contract says, on top of the store, the pump and the courier."""

from __future__ import annotations

import asyncio
import builtins
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from symbi.contracts.approvals import ApprovalResolved
from symbi.contracts.errors import InvalidRequest, NotFound
from symbi.contracts.health import Health, degraded, healthy, unhealthy
from symbi.contracts.policy import Gate
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunEnded, RunService
from symbi.contracts.scheduling import (
    BackfillResult,
    CalendarView,
    FireView,
    Overlap,
    Preview,
    ScheduleChange,
    ScheduleRequest,
    SchedulerFigures,
    ScheduleView,
)
from symbi.kernel.context import PluginContext
from symbi_scheduler import calendar_store, changes, queries
from symbi_scheduler.backfill import backfill
from symbi_scheduler.calendars import read_dates, read_weekdays
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.courier import Courier
from symbi_scheduler.declared import Declarations
from symbi_scheduler.editing import Editor
from symbi_scheduler.ending import Ending
from symbi_scheduler.permission import permit, refuse_denied
from symbi_scheduler.previewing import preview, upcoming
from symbi_scheduler.pump import Pump
from symbi_scheduler.recovery import Recovery
from symbi_scheduler.rows import fire_view, schedule_view
from symbi_scheduler.starter import Starter
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Scheduler", "open_scheduler"]


class Scheduler:
    """Implements `SchedulerService` and takes the schedules that definitions declare."""

    declaration_kinds = frozenset({"schedule"})

    def __init__(self, config: SchedulerConfig, context: PluginContext) -> None:
        self.config = config
        self.node = config.node or f"{socket.gethostname()}:{os.getpid()}"
        self.keeper = Timekeeper(context.clock, context.store, config)
        self.ending = Ending(context, config, self.keeper, self.node)
        self.starter = Starter(context, config, self.keeper, self.ending)
        self.pump = Pump(context, config, self.keeper, self.ending, self.starter, self.node)
        self.courier = Courier(context, config, self.keeper)
        self.recovery = Recovery(context, config, self.keeper, self.ending, self.node)
        self.editor = Editor(context, config, self.keeper, wake=self.pump.wake)
        self.declarations = Declarations(context, self.editor, self.keeper)
        self.running = False
        self._context = context
        self._store = context.store
        self.ending.wake = self.pump.wake
        self.ending.deliver = self.courier.wake

    async def create(self, request: ScheduleRequest, *, principal: Principal) -> ScheduleView:
        """Make a schedule."""
        return await self.editor.create(request, principal=principal)

    async def update(self, schedule_id: str, change: ScheduleChange, *, principal: Principal) -> ScheduleView:
        """Change a schedule."""
        return await self.editor.update(schedule_id, change, principal=principal)

    async def delete(self, schedule_id: str, *, principal: Principal) -> None:
        """Archive a schedule."""
        await self.editor.delete(schedule_id, principal=principal)

    async def reconcile(
        self, source: str, kind: str, declarations: Sequence[dict[str, Any]], *, owner: Principal
    ) -> Sequence[str]:
        """Bring the schedules of one file into line with its blocks (R-DECL)."""
        return await self.declarations.reconcile(source, declarations, owner=owner)

    async def get(self, schedule_id: str) -> ScheduleView:
        """Return one schedule."""
        return schedule_view(await self._row(schedule_id))

    async def list(
        self, *, status: str | None = None, agent_id: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[ScheduleView]:
        """Return schedules, oldest first."""
        rows = await self._store.read(queries.listing, status=status, agent_id=agent_id, limit=limit, offset=offset)
        return [schedule_view(row) for row in rows]

    async def pause(self, schedule_id: str, *, principal: Principal) -> ScheduleView:
        """Stop firing."""
        await self._permit("schedule_update", schedule_id, principal)
        await self._store.write(changes.pause, schedule_id, self.keeper.now(), principal.display_name or principal.id)
        return await self.get(schedule_id)

    async def resume(self, schedule_id: str, *, principal: Principal, catch_up: bool = False) -> ScheduleView:
        """Fire again."""
        await self._permit("schedule_update", schedule_id, principal)
        await self._store.write(changes.resume, schedule_id, self.keeper.now(), catch_up=catch_up)
        self.pump.wake()
        return await self.get(schedule_id)

    async def reset(self, schedule_id: str, *, principal: Principal) -> ScheduleView:
        """Forget failures."""
        await self._permit("schedule_update", schedule_id, principal)
        await self._store.write(changes.reset, schedule_id, self.keeper.now())
        self.pump.wake()
        return await self.get(schedule_id)

    async def trigger(
        self, schedule_id: str, *, principal: Principal, force: bool = False, input: Any = msgspec.UNSET
    ) -> FireView:
        """Fire once now."""
        await self._refuse_denied(schedule_id, principal)
        given = {} if input is msgspec.UNSET else {"input": input}
        token = self._context.ids.uuid()
        ident = await self._store.write(
            changes.trigger,
            schedule_id,
            self.keeper.now(),
            token,
            self.config,
            force=force,
            principal=principal,
            given=given,
        )
        self.pump.wake()
        found = await self._store.read(queries.fire, ident)
        return fire_view(found)

    async def backfill(
        self,
        schedule_id: str,
        *,
        start: int,
        end: int,
        principal: Principal,
        overlap: Overlap | None = None,
        dry_run: bool = False,
    ) -> BackfillResult:
        """Create the fires of a past range that never ran."""
        await self._refuse_denied(schedule_id, principal)
        times, there = await self._store.write(
            backfill, schedule_id, start, end, self.keeper.now(), self.config, overlap=overlap, dry_run=dry_run
        )
        self.pump.wake()
        return BackfillResult(schedule_id=schedule_id, scheduled=times, already_there=there, dry_run=dry_run)

    async def next_runs(self, schedule_id: str, *, count: int = 5) -> Sequence[int]:
        """Return the next fire times."""
        row = await self._row(schedule_id)
        if row.state != "active":
            return []
        calendar = await self._store.read(calendar_store.get_calendar, row.calendar) if row.calendar else None
        return upcoming(row, calendar, count)

    async def preview(self, request: ScheduleRequest, *, count: int = 5, after: int | None = None) -> Preview:
        """Say what a request would mean."""
        calendar = await self.editor.calendar_of(request.calendar)
        return preview(
            request,
            count=count,
            after=self.keeper.now() if after is None else after,
            now=self.keeper.now(),
            config=self.config,
            calendar=calendar,
        )

    async def history(self, schedule_id: str, *, limit: int = 50, before: int | None = None) -> builtins.list[FireView]:
        """Return fires, newest first."""
        await self._row(schedule_id)
        return await self._store.read(queries.history, schedule_id, limit=limit, before=before)

    async def figures(self) -> SchedulerFigures:
        """Return the facts of the scheduler's health; zeros where the store cannot be read."""
        try:
            found, accessible = await self._store.read(queries.counts), True
        except Exception:
            self._context.logger.exception("the scheduler's figures cannot be read")
            found, accessible = {}, False
        jobs = {name: number for name, number in found.items() if name.startswith("jobs_")}
        runs = found.get("runs", 0)
        return SchedulerFigures(
            is_running=self.running and not self.pump.fault, store_accessible=accessible, jobs_total=sum(jobs.values()),
            jobs_active=jobs.get("jobs_active", 0), jobs_paused=jobs.get("jobs_paused", 0), jobs_dead_letter=jobs.get("jobs_dead_letter", 0),
            global_active_runs=found.get("open", 0), max_concurrent=self.config.max_concurrent_runs, runs_total=runs,
            runs_succeeded=found.get("succeeded", 0), runs_failed=found.get("failed", 0),
            average_execution_time_ms=round(found.get("total_ms", 0) / runs, 3) if runs else 0.0, longest_run_ms=found.get("longest_ms", 0),
        )  # fmt: skip

    async def put_calendar(self, calendar: CalendarView, *, principal: Principal) -> CalendarView:
        """Make or replace a calendar."""
        checked = CalendarView(
            name=calendar.name.strip(), dates=read_dates(calendar.dates), weekdays=read_weekdays(calendar.weekdays)
        )
        if not 1 <= len(checked.name) <= 100 or not checked.name.isprintable():
            raise InvalidRequest("name has 1 to 100 characters", details={"field": "name"})
        await permit(self._context, "schedule_update", principal, ident=checked.name, name=checked.name, agent="")
        now = self.keeper.now()
        await self._store.write(calendar_store.put_calendar, checked, now)
        self.pump.wake()
        return msgspec.structs.replace(checked, updated_at=now)

    async def calendars(self) -> builtins.list[CalendarView]:
        """Return every calendar."""
        return await self._store.read(calendar_store.list_calendars)

    async def delete_calendar(self, name: str, *, principal: Principal) -> None:
        """Delete a calendar."""
        await permit(self._context, "schedule_delete", principal, ident=name, name=name, agent="")
        await self._store.write(calendar_store.remove_calendar, name)

    async def health(self) -> Health:
        """Say whether schedules fire."""
        if not self.config.enabled:
            return degraded(
                "schedules are kept but not fired: [scheduler] enabled = false", remedy="set enabled = true"
            )
        if self.pump.fault:
            return unhealthy(f"schedules do not fire: {self.pump.fault}", remedy="symbi doctor")
        if self._context.services.maybe(RunService) is None:
            return degraded("nothing runs agents: fires wait in the store", remedy="symbi plugins doctor")
        return healthy(node=self.node, clock_jumps=self.keeper.jumps, lateness=self.pump.lateness.snapshot())

    async def status_counts(self) -> Mapping[str, int]:
        """How many schedules there are, for `GET /status`."""
        found = await self._store.read(queries.counts)
        return {"schedule_count": sum(number for name, number in found.items() if name.startswith("jobs_"))}

    async def on_approval(self, event: ApprovalResolved) -> None:
        """Let a fire go on, or end it, once a person has decided."""
        fire = await self.recovery.fire_of_approval(event.approval.id)
        if fire is not None:
            await self.recovery.approval_resolved(fire, event.approval.status)

    async def sweep_for_ever(self) -> None:
        """Put right what a crash here or elsewhere left behind, every few seconds."""
        while True:
            await self._context.clock.sleep(self.config.poll_seconds)
            await self.recovery.sweep()

    async def _row(self, schedule_id: str) -> Any:
        row = await self._store.read(queries.fetch, schedule_id)
        if row is None:
            raise NotFound(f"there is no schedule {schedule_id}", code="SCHEDULE_NOT_FOUND")
        return row

    async def _refuse_denied(self, schedule_id: str, principal: Principal) -> None:
        row = await self._row(schedule_id)
        refuse_denied(self._context, principal, ident=row.id, name=row.name, agent=row.agent)

    async def _permit(self, action: str, schedule_id: str, principal: Principal) -> None:
        row = await self._row(schedule_id)
        await permit(self._context, action, principal, ident=row.id, name=row.name, agent=row.agent)


@asynccontextmanager
async def open_scheduler(config: SchedulerConfig, context: PluginContext) -> AsyncIterator[Scheduler]:
    """Recover what the last stop left, then fire until closed; with `enabled = false` only keep schedules."""
    scheduler = Scheduler(config, context)
    gate = context.services.maybe(Gate)
    if gate is not None:
        gate.register_surface("schedule")
    await scheduler.recovery.at_start()
    undo = [
        context.events.subscribe(RunEnded, scheduler.ending.on_run_ended, name="scheduler", limit=100_000),
        context.events.subscribe(ApprovalResolved, scheduler.on_approval, name="scheduler", limit=10_000),
    ]
    tasks: list[asyncio.Task[Any]] = []
    # A runtime that a command opened for itself only keeps schedules: what is due waits for the server.
    if config.enabled and context.environ.get("SYMBI_ROLE") != "command":
        scheduler.running = True
        tasks = [
            context.tasks.supervise("pump", scheduler.pump.run),
            context.tasks.supervise("sweep", scheduler.sweep_for_ever),
            context.tasks.supervise("courier", scheduler.courier.run),
        ]
    try:
        yield scheduler
    finally:
        scheduler.running = False
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in undo:
            await each()
