"""A schedule with nothing to come and nothing open has reached its end (R-ONESHOT, R-BOUND)."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from symbi_scheduler.tables import FIRES, SCHEDULES

__all__ = ["OPEN", "finish", "finish_exhausted"]

_S, _F = SCHEDULES.c, FIRES.c
OPEN = ("queued", "claimed", "waiting", "waiting_approval", "running")


def finish(conn: Connection, schedule_id: str, at: int) -> bool:
    """End the schedule if nothing can come of it any more: `failed` where its one run failed or was missed, else `completed`."""
    row = conn.execute(
        select(_S.state, _S.next_due, _S.kind, _S.one_shot, _S.end_at).where(_S.id == schedule_id)
    ).one_or_none()
    if row is None or row.state != "active" or row.next_due is not None:
        return False
    if conn.execute(select(_F.id).where(_F.schedule_id == schedule_id, _F.state.in_(OPEN)).limit(1)).first():
        return False
    state, reason = "completed", "it has no further fire"
    if row.one_shot or row.kind == "at":
        where = (_F.schedule_id == schedule_id, _F.trigger != "manual")
        last = conn.execute(
            select(_F.state).where(*where).order_by(_F.created_at.desc(), _F.attempt.desc()).limit(1)
        ).scalar()
        if last != "completed":
            state, reason = "failed", "its one run was missed" if last == "missed" else f"its one run ended {last}"
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(state=state, reason=reason, updated_at=at))
    return True


def finish_exhausted(conn: Connection, at: int) -> int:
    """End every schedule that has run out, for example because its last fires were skipped; return how many."""
    rows = conn.execute(select(_S.id).where(_S.state == "active", _S.next_due.is_(None)).limit(500)).scalars().all()
    return sum(finish(conn, schedule_id, at) for schedule_id in rows)
