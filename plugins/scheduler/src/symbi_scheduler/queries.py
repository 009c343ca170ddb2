"""Reading schedules, their history and their figures."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from symbi.contracts.scheduling import FireView
from symbi_scheduler.nodes import totals
from symbi_scheduler.outbox import receipts
from symbi_scheduler.rows import fire_view
from symbi_scheduler.tables import FIRES, SCHEDULES

__all__ = ["counts", "fetch", "fire", "history", "listing", "usage_of"]

_S, _F = SCHEDULES.c, FIRES.c


def fetch(conn: Connection, schedule_id: str) -> Row[Any] | None:
    """One schedule's row; None for an unknown or archived one."""
    return conn.execute(select(SCHEDULES).where(_S.id == schedule_id, _S.state != "archived")).one_or_none()


def listing(
    conn: Connection, *, status: str | None, agent_id: str | None, limit: int | None, offset: int
) -> list[Row[Any]]:
    """Rows of schedules, oldest first."""
    query = select(SCHEDULES).where(_S.state == status if status else _S.state != "archived")
    if agent_id is not None:
        query = query.where(_S.agent_id == agent_id)
    return list(conn.execute(query.order_by(_S.created_at, _S.id).limit(limit).offset(offset)).all())


def history(conn: Connection, schedule_id: str, *, limit: int, before: int | None) -> list[FireView]:
    """Fires of a schedule, newest first, with the receipts of their deliveries."""
    query = select(FIRES).where(_F.schedule_id == schedule_id)
    if before is not None:
        query = query.where(_F.created_at < before)
    rows = conn.execute(
        query.order_by(_F.created_at.desc(), _F.scheduled_for.desc(), _F.attempt.desc()).limit(limit)
    ).all()
    sent = receipts(conn, [row.id for row in rows])
    return [fire_view(row, sent.get(row.id)) for row in rows]


def counts(conn: Connection) -> dict[str, int]:
    """Schedules by state, open fires, dead letters, and the sums over all nodes."""
    by_state = conn.execute(select(_S.state, func.count()).where(_S.state != "archived").group_by(_S.state)).all()
    open_fires = (
        select(func.count())
        .select_from(FIRES)
        .where(_F.state.in_(("claimed", "waiting_approval", "running")), _F.completed_at.is_(None))
    )
    dead = select(func.count()).select_from(FIRES).where(_F.state == "dead_letter")
    found = {f"jobs_{state}": int(number) for state, number in by_state}
    return {
        **totals(conn),
        **found,
        "open": conn.execute(open_fires).scalar_one(),
        "dead_letters": conn.execute(dead).scalar_one(),
    }


def usage_of(conn: Connection, calendar: str) -> list[str]:
    """Names of the schedules that use a calendar."""
    return list(conn.execute(select(_S.name).where(_S.calendar == calendar, _S.state != "archived")).scalars())


def fire(conn: Connection, ident: str) -> Row[Any]:
    """One fire's row, which must exist."""
    return conn.execute(select(FIRES).where(_F.id == ident)).one()
