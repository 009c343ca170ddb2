"""Queued fires: claimed by one node at a time, started, handed back (fences and leases, scheduling.md §5.1)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from symbi_scheduler.firing import Claimed
from symbi_scheduler.tables import FIRES, SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["claim_queued", "hand_back", "load_starts", "mark_held", "mark_running", "release_expired"]

_S, _F = SCHEDULES.c, FIRES.c
_QUEUED = (
    select(_F.id, _F.schedule_id, _F.scheduled_for, _F.fence, _F.slot)
    .where(_F.state == "queued", _F.completed_at.is_(None), _F.not_before <= bindparam("now"))
    .order_by(_F.not_before)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(FIRES)
    .where(_F.id == bindparam("b_id"), _F.state == "queued", _F.fence == bindparam("b_fence"))
    .values(
        state="claimed",
        slot=True,
        node=bindparam("b_node"),
        lease_until=bindparam("b_lease"),
        fence=bindparam("b_fence") + 1,
    )
)
_TAKE_SLOT = update(SCHEDULES).where(_S.id == bindparam("b_id")).values(active=_S.active + 1)
_STARTS = select(
    _F.id, _F.scheduled_for, _F.trigger, _F.attempt, _F.approval_id, _F.input.label("own_input"), _F.principal.label("caller"), _F.created_at,
    _S.id.label("schedule_id"), _S.name, _S.agent, _S.agent_id, _S.owner, _S.policy_ids, _S.input, _S.options, _S.kind, _S.expression, _S.timezone,
    _S.failures, _S.source,
).join_from(FIRES, SCHEDULES, _S.id == _F.schedule_id)  # fmt: skip


_RUNNING = (
    update(FIRES)
    .where(_F.id == bindparam("b_id"), _F.state == "claimed", _F.fence == bindparam("b_fence"))
    .values(state="running", run_id=bindparam("b_run_id"), started_at=bindparam("b_at"), lease_until=None, reason="")
)


def claim_queued(conn: Connection, keeper: Timekeeper, node: str, lease_ms: int, most: int) -> list[Claimed]:
    """Claim up to `most` fires whose time has come, oldest first; no other node gets them until the lease has passed."""
    now = keeper.read(conn)
    rows = conn.execute(_QUEUED, {"now": now, "most": most}).all()
    if not rows:
        return []
    lease = now + lease_ms
    conn.execute(_CLAIM, [{"b_id": row.id, "b_fence": row.fence, "b_node": node, "b_lease": lease} for row in rows])
    jittered = [{"b_id": row.schedule_id} for row in rows if not row.slot]
    if jittered:
        conn.execute(_TAKE_SLOT, jittered)
    return [Claimed(row.id, row.schedule_id, row.scheduled_for, row.fence + 1) for row in rows]


def load_starts(conn: Connection, ids: list[str]) -> list[Any]:
    """Rows with what is needed to start these fires."""
    found: list[Any] = []
    for start in range(0, len(ids), 500):
        found += conn.execute(_STARTS.where(_F.id.in_(ids[start : start + 500]))).all()
    return found


def mark_running(conn: Connection, claimed: Claimed, *, run_id: str, at: int) -> bool:
    """Note that the run exists; False when the fire has ended already or another node has taken it (fenced)."""
    given = {"b_id": claimed.id, "b_fence": claimed.fence, "b_run_id": run_id, "b_at": at}
    return bool(conn.execute(_RUNNING, given).rowcount)


def mark_held(conn: Connection, claimed: Claimed, *, approval_id: str, reason: str) -> bool:
    """Park a fire until a person has decided; False when fenced."""
    statement = update(FIRES).where(_F.id == claimed.id, _F.state == "claimed", _F.fence == claimed.fence)
    return bool(
        conn.execute(
            statement.values(state="waiting_approval", approval_id=approval_id, reason=reason, lease_until=None)
        ).rowcount
    )


def hand_back(conn: Connection, claimed: Claimed, *, not_before: int, reason: str) -> bool:
    """Put a claimed fire back into the queue, to be started later by any node; False when fenced."""
    statement = update(FIRES).where(_F.id == claimed.id, _F.state == "claimed", _F.fence == claimed.fence)
    values = {"state": "queued", "not_before": not_before, "reason": reason, "node": None, "lease_until": None}
    return bool(conn.execute(statement.values(**values)).rowcount)


def release_expired(conn: Connection, keeper: Timekeeper, *, everything: bool = False) -> int:
    """Queue again what was claimed and never started: leases that passed, or with `everything` all claims (one runtime owns the store)."""
    now = keeper.read(conn)
    where = (_F.state == "claimed") & _F.completed_at.is_(None)
    if not everything:
        where &= _F.lease_until < now
    # The fence moves on, so that an owner that was only frozen cannot write about this fire any more.
    values = {
        "state": "queued",
        "node": None,
        "lease_until": None,
        "fence": _F.fence + 1,
        "reason": "its node went away before the start",
    }
    return conn.execute(update(FIRES).where(where).values(**values)).rowcount
