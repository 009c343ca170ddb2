"""Making, changing and deleting schedules on behalf of a principal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, update

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.errors import Conflict, NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.scheduling import CalendarView, ScheduleChange, ScheduleRequest, ScheduleView
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi.kernel.points import DELIVERY_TARGETS
from symbi_scheduler import changes, queries
from symbi_scheduler.behaviour import options_text, read_options
from symbi_scheduler.calendar_store import get_calendar
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.cron.zones import zone_data_version
from symbi_scheduler.definitions import Defined, define, invalid
from symbi_scheduler.limits import check_limits
from symbi_scheduler.permission import permit, permit_agent
from symbi_scheduler.rows import schedule_view
from symbi_scheduler.tables import SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Editor", "request_of"]

_TIMING = ("cron_expression", "at", "every_seconds")


class Editor:
    """Checks everything first, then stores it in one transaction."""

    def __init__(
        self, context: PluginContext, config: SchedulerConfig, keeper: Timekeeper, *, wake: Callable[[], None]
    ) -> None:
        self._context = context
        self._config = config
        self._keeper = keeper
        self._wake = wake

    async def create(
        self, request: ScheduleRequest, *, principal: Principal, declared: dict[str, Any] | None = None
    ) -> ScheduleView:
        """Make a schedule; `declared` holds key, source and digest of one that a definition declares."""
        check_limits(request)
        agent = await self.agent_of(request.agent_name)
        permit_agent(principal, agent)
        ident, now = self._context.ids.uuid(), self._keeper.now()
        defined = await self.define(request, ident, now)
        await permit(self._context, "schedule_create", principal, ident=ident, name=request.name, agent=agent.name)
        columns = {
            **defined.columns, **self._facts(request, agent), **(declared or {}), "id": ident, "owner": principal,
            "state": "paused" if request.paused else "active", "next_due": defined.next_due, "zone_data": zone_data_version(),
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        await self._context.store.write(changes.put, columns)
        self._wake()
        return schedule_view(await self._context.store.read(queries.fetch, ident), warnings=defined.warnings)

    async def update(self, schedule_id: str, change: ScheduleChange, *, principal: Principal) -> ScheduleView:
        """Change a schedule: what the change leaves out stays; the next fire is computed anew from now."""
        row = await self._row(schedule_id)
        if row.key is not None:
            raise Conflict(
                "this schedule is declared in a definition; change it there",
                code="SCHEDULE_DECLARED",
                details={"key": row.key},
            )
        given = {
            name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not msgspec.UNSET
        }
        if not given:
            return schedule_view(row)
        return await self.replace(row, merged(row, given), principal=principal)

    async def replace(
        self, row: Any, request: ScheduleRequest, *, principal: Principal, declared: dict[str, Any] | None = None
    ) -> ScheduleView:
        """Put the whole request in the place of what is stored; id, history and counters stay."""
        agent = await self.agent_of(request.agent_name)
        permit_agent(principal, agent)
        now = self._keeper.now()
        defined = await self.define(request, row.id, now)
        await permit(self._context, "schedule_update", principal, ident=row.id, name=request.name, agent=agent.name)
        same_times = all(
            getattr(row, name) == value
            for name, value in defined.columns.items()
            if name not in ("name", "one_shot", "anchor")
        )
        columns = {
            **defined.columns,
            **self._facts(request, agent),
            **(declared or {}),
            "owner": principal,
            "updated_at": now,
            "zone_data": zone_data_version(),
        }
        await self._context.store.write(_store_change, row.id, columns, None if same_times else defined.next_due)
        self._wake()
        return schedule_view(await self._row(row.id), warnings=defined.warnings)

    async def delete(self, schedule_id: str, *, principal: Principal) -> None:
        """Archive a schedule; one that a definition declares must go there."""
        row = await self._row(schedule_id)
        if row.key is not None:
            raise Conflict(
                "this schedule is declared in a definition; remove it there",
                code="SCHEDULE_DECLARED",
                details={"key": row.key},
            )
        await permit(self._context, "schedule_delete", principal, ident=row.id, name=row.name, agent=row.agent)
        await self._context.store.write(
            changes.archive, schedule_id, self._keeper.now(), f"deleted by {principal.display_name or principal.id}"
        )

    async def agent_of(self, name: str) -> AgentView:
        """The agent with that name or id; raises NotFound (finding F-26)."""
        agent = await self._context.services.get(AgentService).resolve(name)
        if agent is None or agent.archived:
            raise NotFound(f"there is no agent {name!r}", code="AGENT_NOT_FOUND", details={"field": "agent_name"})
        return agent

    async def calendar_of(self, name: str | None) -> CalendarView | None:
        """The calendar with that name; raises InvalidRequest for an unknown one."""
        if name is None:
            return None
        found = await self._context.store.read(get_calendar, name)
        if found is None:
            raise invalid("calendar", f"there is no calendar {name!r}", code="unknown_calendar")
        return found

    async def define(self, request: ScheduleRequest, ident: str, now: int) -> Defined:
        """Check a request against the calendars and targets that there are."""
        known = self._context.catalogue(DELIVERY_TARGETS)
        for spec in request.delivery:
            if spec.target not in known:
                raise invalid(
                    "delivery",
                    f"no delivery target {spec.target!r} is installed; there are {', '.join(sorted(known)) or 'none'}",
                )
        return define(
            request, ident=ident, now=now, config=self._config, calendar=await self.calendar_of(request.calendar)
        )

    async def _row(self, schedule_id: str) -> Any:
        row = await self._context.store.read(queries.fetch, schedule_id)
        if row is None:
            raise NotFound(f"there is no schedule {schedule_id}", code="SCHEDULE_NOT_FOUND")
        return row

    @staticmethod
    def _facts(request: ScheduleRequest, agent: AgentView) -> dict[str, Any]:
        return {
            "agent": request.agent_name, "agent_id": agent.id, "policy_ids": request.policy_ids, "input": request.input,
            "options": options_text(request.options), "delivery": request.delivery, "fail_fast": request.fail_fast,
        }  # fmt: skip


def _store_change(conn: Connection, schedule_id: str, columns: dict[str, Any], next_due: int | None) -> None:
    row = changes.locked(conn, schedule_id)
    values = dict(columns)
    if next_due is not None:
        values["next_due"] = next_due
        if row.state in ("completed", "failed"):
            values |= {"state": "active", "reason": "", "failures": 0}
    conn.execute(update(SCHEDULES).where(SCHEDULES.c.id == schedule_id).values(**values))


def request_of(row: Any) -> ScheduleRequest:
    """The request that would make a stored schedule."""
    timing: dict[str, Any] = {}
    for name in ("start_at", "end_at"):
        value = getattr(row, name)
        timing[name] = None if value is None else rfc3339(value)
    if row.kind == "cron":
        timing["cron_expression"] = row.expression
    elif row.kind == "at":
        timing["at"] = rfc3339(row.anchor)
    else:
        timing["every_seconds"] = float(row.expression.rpartition(" ")[2].removesuffix("s"))
    return ScheduleRequest(
        name=row.name, agent_name=row.agent, timezone=row.timezone, policy_ids=row.policy_ids, one_shot=row.one_shot, dst_gap=row.dst_gap,
        dst_overlap=row.dst_overlap, day_match=row.day_match, max_fires=row.max_fires, calendar=row.calendar, calendar_mode=row.calendar_mode,
        on_excluded=row.on_excluded, input=row.input, options=read_options(row.options), delivery=row.delivery, fail_fast=row.fail_fast,
        **timing,
    )  # fmt: skip


def merged(row: Any, given: dict[str, Any]) -> ScheduleRequest:
    """A stored schedule with the given fields in the place of its own; a new kind of timing replaces the old one."""
    changed = dict(given)
    if any(name in given for name in _TIMING):
        changed = {**dict.fromkeys(_TIMING), **changed}
    return msgspec.structs.replace(request_of(row), **changed)
