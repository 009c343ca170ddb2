"""The end of a fire: outcome, retry or dead letter, the schedule's counters, who waits next, and what is to be delivered (R-RETRY)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from symbi.contracts.scheduling import FireView
from symbi_scheduler.behaviour import behaviour_of
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.decide import Behaviour
from symbi_scheduler.finish import OPEN, finish
from symbi_scheduler.fire_ids import fire_id
from symbi_scheduler.nodes import count_run
from symbi_scheduler.outbox import enqueue
from symbi_scheduler.retries import backoff_ms, is_retryable
from symbi_scheduler.rows import fire_view
from symbi_scheduler.tables import FIRES, SCHEDULES

__all__ = ["Outcome", "Settled", "settle"]

_S, _F = SCHEDULES.c, FIRES.c


# Made once: a statement that is built anew for every run costs more than it takes to execute.
_OPEN_FIRE = (
    select(*_F, *(column.label(f"s_{column.name}") for column in _S))
    .join_from(FIRES, SCHEDULES, _S.id == _F.schedule_id)
    .where(_F.id == bindparam("b_id"), _F.state.in_(OPEN))
    .with_for_update()
)
_CLOSE = (
    update(FIRES)
    .where(_F.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"), reason=bindparam("b_reason"), error=bindparam("b_error"), run_id=bindparam("b_run_id"), lease_until=None,
        slot=False, completed_at=bindparam("b_completed_at"), started_at=bindparam("b_started_at"),
    )
)  # fmt: skip
_COUNT = (
    update(SCHEDULES)
    .where(_S.id == bindparam("b_id"))
    .values(
        active=_S.active - bindparam("b_active"), waiting=_S.waiting - bindparam("b_waiting"), failures=bindparam("b_failures"),
        failures_total=bindparam("b_total"), state=bindparam("b_state"), reason=bindparam("b_reason"), updated_at=bindparam("b_updated_at"),
    )
)  # fmt: skip


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a fire ended: `status` is completed, failed, terminated, lost or denied; times are milliseconds UTC.

    `at` is now by the scheduler's clock, `started_at` and `ended_at` are what the run says of itself.
    """

    status: str
    at: int
    run_id: str | None = None
    started_at: int | None = None
    ended_at: int | None = None
    result: Any = None
    error: dict[str, Any] | None = None
    reason: str = ""
    fence: int | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What settling changed: the final `status` of the fire, and whether queued work came of it."""

    fire_id: str
    schedule_id: str
    schedule: str
    status: str
    node: str | None
    wake: bool
    paused: bool
    delivers: bool
    view: FireView


def settle(conn: Connection, ident: str, outcome: Outcome, config: SchedulerConfig, draw: float) -> Settled | None:
    """End a fire once; None when it has ended already or `outcome.fence` is not its fence. `draw` in [0, 1) places a jittered retry."""
    fire = conn.execute(_OPEN_FIRE, {"b_id": ident}).one_or_none()
    if fire is None or (outcome.fence is not None and outcome.fence != fire.fence):
        return None
    how = behaviour_of(fire.s_options, config)
    again = outcome.status in ("failed", "lost") and is_retryable(outcome.status, outcome.error, how)
    retried = again and fire.attempt <= how.max_retries and fire.s_state in ("active", "paused", "completed")
    status = "dead_letter" if again and not retried and how.max_retries else outcome.status
    reason = outcome.reason
    if retried:
        due = outcome.at + backoff_ms(fire.attempt, how, draw)
        reason = f"attempt {fire.attempt} failed; the next begins {(due - outcome.at) / 1000:g} s later"
        _queue_retry(conn, fire, due, outcome.at)
    closed = _close(conn, fire, outcome, status, reason)
    final = not retried
    paused = _update_schedule(conn, fire, how, outcome, status, final)
    promoted = fire.s_waiting - (fire.state == "waiting") > 0 and _promote(conn, fire, how, outcome.at)
    if final and fire.s_next_due is None:
        finish(conn, fire.schedule_id, outcome.at)
    delivers = final and status != "denied" and enqueue(conn, fire, outcome, status)
    if outcome.run_id or fire.run_id:
        ended = outcome.ended_at or outcome.at
        took = ended - (outcome.started_at or fire.started_at or ended)
        count_run(conn, fire.node or "", succeeded=status == "completed", took_ms=max(0, took))
    return Settled(
        fire_id=ident, schedule_id=fire.schedule_id, schedule=fire.s_name, status=status, node=fire.node, wake=promoted or retried,
        paused=paused, delivers=bool(delivers), view=fire_view(SimpleNamespace(**{**fire._mapping, **closed})),
    )  # fmt: skip


def _close(conn: Connection, fire: Row[Any], outcome: Outcome, status: str, reason: str) -> dict[str, Any]:
    values = {
        "state": status, "reason": reason, "error": outcome.error, "run_id": outcome.run_id or fire.run_id,
        "completed_at": outcome.ended_at or outcome.at, "started_at": outcome.started_at or fire.started_at,
    }  # fmt: skip
    conn.execute(_CLOSE, {"b_id": fire.id, **{f"b_{name}": value for name, value in values.items()}})
    return values


def _queue_retry(conn: Connection, fire: Row[Any], due: int, now: int) -> None:
    conn.execute(
        insert(FIRES).values(
            id=fire_id(fire.schedule_id, fire.scheduled_for, f"r{fire.attempt + 1}:{fire.id}"),
            schedule_id=fire.schedule_id, scheduled_for=fire.scheduled_for, trigger="retry", attempt=fire.attempt + 1, state="queued", slot=False,
            not_before=due, reason="", fence=0, input=fire.input, principal=fire.principal, missed=0, created_at=now,
        )
    )  # fmt: skip


def _update_schedule(
    conn: Connection, fire: Row[Any], how: Behaviour, outcome: Outcome, status: str, final: bool
) -> bool:
    """Count the end on the schedule; True when the schedule was paused or given up for its failures."""
    failures, total, state, reason = fire.s_failures, fire.s_failures_total, fire.s_state, fire.s_reason
    if final and status == "completed":
        failures = 0
    elif final and status in ("failed", "lost", "dead_letter"):
        failures, total = failures + 1, total + 1
        if state == "active":
            state, reason = _given_up(how, failures, total) or (state, reason)
    paused: bool = state != fire.s_state
    conn.execute(
        _COUNT,
        {
            "b_id": fire.schedule_id, "b_active": int(fire.slot), "b_waiting": int(fire.state == "waiting"), "b_failures": failures,
            "b_total": total, "b_state": state, "b_reason": reason, "b_updated_at": outcome.at if paused else fire.s_updated_at,
        },
    )  # fmt: skip
    return paused


def _given_up(how: Behaviour, failures: int, total: int) -> tuple[str, str] | None:
    if how.legacy_dead_letter:
        return ("dead_letter", f"{total} runs failed in all") if total >= 3 else None
    if how.pause_after_failures and failures >= how.pause_after_failures:
        return "paused", f"{failures} runs in a row failed; `symbi cron resume` starts it again"
    return None


def _promote(conn: Connection, fire: Row[Any], how: Behaviour, now: int) -> bool:
    """Let the fires that wait behind this one go on, oldest first, as far as there is room."""
    active, behind = fire.s_active - fire.slot, fire.s_waiting - (fire.state == "waiting")
    room = behind if not how.max_concurrent else min(behind, how.max_concurrent - active)
    if room <= 0:
        return False
    waiting = (
        select(_F.id)
        .where(_F.schedule_id == fire.schedule_id, _F.state == "waiting")
        .order_by(_F.scheduled_for)
        .limit(room)
    )
    chosen = list(conn.execute(waiting).scalars())
    conn.execute(update(FIRES).where(_F.id.in_(chosen)).values(state="queued", slot=True, not_before=now, reason=""))
    changes = {"active": _S.active + len(chosen), "waiting": _S.waiting - len(chosen)}
    conn.execute(update(SCHEDULES).where(_S.id == fire.schedule_id).values(**changes))
    return bool(chosen)
