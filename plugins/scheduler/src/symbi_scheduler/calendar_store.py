"""Named calendars in the store; a change moves the next fire of every schedule that uses one, in the same transaction (R-CAL)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select, update

from symbi.contracts.errors import Conflict, NotFound
from symbi.contracts.scheduling import CalendarView
from symbi.store import upsert
from symbi_scheduler.plans import stored_timing
from symbi_scheduler.queries import usage_of
from symbi_scheduler.tables import CALENDARS, SCHEDULES

__all__ = ["get_calendar", "list_calendars", "put_calendar", "remove_calendar"]

_C, _S = CALENDARS.c, SCHEDULES.c


def get_calendar(conn: Connection, name: str) -> CalendarView | None:
    """One calendar, or None."""
    row = conn.execute(select(CALENDARS).where(_C.name == name)).one_or_none()
    return (
        None
        if row is None
        else CalendarView(name=row.name, dates=row.dates, weekdays=row.weekdays, updated_at=row.updated_at)
    )


def list_calendars(conn: Connection) -> list[CalendarView]:
    """Every calendar, by name."""
    rows = conn.execute(select(CALENDARS).order_by(_C.name)).all()
    return [
        CalendarView(name=row.name, dates=row.dates, weekdays=row.weekdays, updated_at=row.updated_at) for row in rows
    ]


def put_calendar(conn: Connection, calendar: CalendarView, now: int) -> int:
    """Make or replace a calendar; return how many schedules were computed anew."""
    row = {"name": calendar.name, "dates": calendar.dates, "weekdays": calendar.weekdays, "updated_at": now}
    upsert(conn, CALENDARS, row, key=["name"])
    users = conn.execute(
        select(SCHEDULES).where(_S.calendar == calendar.name, _S.state.in_(("active", "paused"))).with_for_update()
    ).all()
    cache: dict[str, Any] = {}
    for user in users:
        due = stored_timing(conn, user, cache).next_after(max(now, user.last_due))
        conn.execute(update(SCHEDULES).where(_S.id == user.id).values(next_due=due, updated_at=now))
    return len(users)


def remove_calendar(conn: Connection, name: str) -> None:
    """Delete a calendar; raises NotFound, or Conflict naming the schedules that use it."""
    if get_calendar(conn, name) is None:
        raise NotFound(f"there is no calendar {name!r}", code="CALENDAR_NOT_FOUND")
    users = usage_of(conn, name)
    if users:
        raise Conflict(
            f"the calendar {name!r} is used by {', '.join(users[:5])}",
            code="CALENDAR_IN_USE",
            details={"schedules": users[:50]},
        )
    conn.execute(delete(CALENDARS).where(_C.name == name))
