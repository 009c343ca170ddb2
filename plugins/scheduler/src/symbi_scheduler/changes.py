"""Changes of schedules as transactions: made, changed, paused, resumed, fired by hand. Each is one function on a connection."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from symbi.contracts.errors import Conflict, NotFound
from symbi_scheduler.behaviour import behaviour_of
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.decide import Verdict, admit
from symbi_scheduler.finish import OPEN
from symbi_scheduler.fire_ids import fire_id
from symbi_scheduler.plans import stored_timing
from symbi_scheduler.tables import FIRES, SCHEDULES

__all__ = ["archive", "locked", "pause", "put", "reset", "resume", "trigger"]

_S, _F = SCHEDULES.c, FIRES.c
ENDED = ("completed", "failed")


def locked(conn: Connection, schedule_id: str) -> Any:
    """The schedule's row, locked for this transaction; raises NotFound."""
    row = conn.execute(
        select(SCHEDULES).where(_S.id == schedule_id, _S.state != "archived").with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no schedule {schedule_id}", code="SCHEDULE_NOT_FOUND")
    return row


def put(conn: Connection, columns: dict[str, Any]) -> None:
    """Store a new schedule."""
    empty = {
        "reason": "", "last_run": None, "last_due": 0, "fires": 0, "runs": 0, "active": 0, "waiting": 0, "failures": 0, "failures_total": 0,
        "key": None, "source": None, "digest": None,
    }  # fmt: skip
    conn.execute(insert(SCHEDULES).values(**{**empty, **columns}))


def pause(conn: Connection, schedule_id: str, now: int, by: str) -> None:
    """Stop firing; raises Conflict for a schedule that has ended."""
    row = locked(conn, schedule_id)
    if row.state in ENDED:
        raise Conflict(f"the schedule has ended ({row.state}) and cannot be paused", code="SCHEDULE_ENDED")
    if row.state == "active":
        conn.execute(
            update(SCHEDULES)
            .where(_S.id == schedule_id)
            .values(state="paused", reason=f"paused by {by}", updated_at=now)
        )


def resume(conn: Connection, schedule_id: str, now: int, *, catch_up: bool) -> None:
    """Fire again from now on, or with `catch_up` from where it was paused; raises Conflict when nothing is left to fire."""
    row = locked(conn, schedule_id)
    if row.state == "active":
        return
    if row.state in ENDED:
        raise Conflict(
            f"the schedule has ended ({row.state}) and cannot be resumed",
            code="SCHEDULE_ENDED",
            hint="change its expression, or trigger it",
        )
    due = row.next_due
    if due is None or (due <= now and not catch_up):
        due = stored_timing(conn, row, {}).next_after(max(now, row.last_due))
    exhausted = due is None and not _open_fires(conn, schedule_id)
    values = {"state": "completed" if exhausted else "active", "reason": "it has no further fire" if exhausted else ""}
    conn.execute(
        update(SCHEDULES).where(_S.id == schedule_id).values(next_due=due, failures=0, updated_at=now, **values)
    )


def reset(conn: Connection, schedule_id: str, now: int) -> None:
    """Forget failures; a dead letter becomes active again."""
    row = locked(conn, schedule_id)
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(failures=0, failures_total=0, updated_at=now))
    if row.state == "dead_letter":
        resume(conn, schedule_id, now, catch_up=False)


def archive(conn: Connection, schedule_id: str, now: int, reason: str) -> None:
    """Take a schedule out of service: it keeps its history, frees its key, and what waits or is queued is dropped."""
    locked(conn, schedule_id)
    gone = (_F.schedule_id == schedule_id) & _F.state.in_(("queued", "waiting", "waiting_approval"))
    conn.execute(update(FIRES).where(gone).values(state="dropped", reason=reason, completed_at=now, slot=False))
    values = {"state": "archived", "next_due": None, "waiting": 0, "key": None, "reason": reason, "updated_at": now}
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(**values))


def trigger(
    conn: Connection,
    schedule_id: str,
    now: int,
    token: str,
    config: SchedulerConfig,
    *,
    force: bool,
    principal: Any,
    given: dict[str, Any],
) -> str:
    """Record a manual fire and return its id; raises Conflict where the overlap policy leaves no room and `force` is off."""
    row = locked(conn, schedule_id)
    verdict = Verdict(next_due=row.next_due, active=row.active, waiting=row.waiting)
    state, reason = ("queued", "") if force else admit(verdict, behaviour_of(row.options, config))
    if state in ("skipped", "dropped"):
        raise Conflict(
            f"the overlap policy forbids it now: {reason}",
            code="OVERLAP",
            hint="wait for the run under way, or use force",
            details={"reason": reason},
        )
    ident = fire_id(schedule_id, now, f"manual:{token}")
    conn.execute(
        insert(FIRES).values(
            id=ident, schedule_id=schedule_id, scheduled_for=now, trigger="manual", attempt=1, state=state, slot=state == "queued", not_before=now,
            reason=reason, fence=0, missed=0, created_at=now, principal=principal, **given,
        )
    )  # fmt: skip
    counts = {"active": _S.active + 1} if state == "queued" else {"waiting": _S.waiting + 1}
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(runs=_S.runs + 1, last_run=now, **counts))
    return ident


def _open_fires(conn: Connection, schedule_id: str) -> bool:
    return (
        conn.execute(select(_F.id).where(_F.schedule_id == schedule_id, _F.state.in_(OPEN)).limit(1)).first()
        is not None
    )
