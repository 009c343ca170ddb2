"""The fire transaction: due schedules are advanced and their fires recorded together, or not at all (R-ONCE)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from symbi_scheduler.behaviour import behaviour_of
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.cron import CronError
from symbi_scheduler.decide import Due, Verdict, decide
from symbi_scheduler.finish import finish
from symbi_scheduler.fire_ids import fire_id
from symbi_scheduler.tables import CALENDARS, FIRES, SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper
from symbi_scheduler.timing import Timing, TimingSpec, timing_of

__all__ = ["Batch", "Claimed", "fire_due", "spec_of", "stored_timing", "upcoming_work"]

_log = logging.getLogger("symbi.scheduler")

_S, _F = SCHEDULES.c, FIRES.c
_DUE = select(
    _S.id, _S.kind, _S.expression, _S.timezone, _S.dst_gap, _S.dst_overlap, _S.day_match, _S.anchor, _S.start_at, _S.end_at, _S.max_fires,
    _S.calendar, _S.calendar_mode, _S.on_excluded, _S.options, _S.one_shot, _S.next_due, _S.last_run, _S.last_due, _S.fires, _S.active, _S.waiting,
).where(_S.state == "active", _S.next_due <= bindparam("now")).order_by(_S.next_due).limit(bindparam("most"))  # fmt: skip
_LOCKED = _DUE.with_for_update(skip_locked=True)
_ADVANCE = (
    update(SCHEDULES)
    .where(_S.id == bindparam("b_id"), _S.next_due == bindparam("b_due"))
    .values(
        next_due=bindparam("b_next"), fires=_S.fires + bindparam("b_fires"), runs=_S.runs + bindparam("b_fires"), active=bindparam("b_active"),
        waiting=bindparam("b_waiting"), last_run=bindparam("b_last_run"), last_due=bindparam("b_last_due"),
    )
)  # fmt: skip
_BREAK = (
    update(SCHEDULES)
    .where(_S.id == bindparam("b_id"))
    .values(state="failed", next_due=None, reason=bindparam("b_reason"))
)
_SQLITE_INSERT = sqlite.insert(FIRES).on_conflict_do_nothing()
_PG_INSERT = postgresql.insert(FIRES).on_conflict_do_nothing().returning(FIRES.c.id)


class Claimed(NamedTuple):
    """A fire that this node is to start; `fence` goes into every later write about it."""

    id: str
    schedule_id: str
    scheduled_for: int
    fence: int


@dataclass(slots=True)
class Batch:
    """What one fire transaction did: `claimed` are to be started, runs of `stop` schedules stopped; `due_at` is when to come again."""

    now: int
    fired: int = 0
    full: bool = False
    claimed: list[Claimed] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    lateness: list[int] = field(default_factory=list)
    due_at: int | None = None
    queued_at: int | None = None


class _Collision(Exception):
    """A fire that is there already was about to be recorded again."""


def fire_due(conn: Connection, keeper: Timekeeper, node: str, config: SchedulerConfig, free: int) -> Batch:
    """Fire what is due, at most one batch; of the new fires the first `free` are claimed for this node."""
    now = keeper.read(conn)
    batch = Batch(now=now)
    rows = conn.execute(_LOCKED, {"now": now, "most": config.batch}).all()
    batch.full = len(rows) == config.batch
    if rows:
        decisions = list(_decisions(conn, rows, config, now))
        try:
            with conn.begin_nested():
                _record(conn, decisions, batch, node, config, free, known=frozenset())
        except _Collision:
            batch = Batch(now=now, full=batch.full)
            _record(conn, decisions, batch, node, config, free, known=_existing(conn, decisions))
        for row, verdict in decisions:
            if verdict.next_due is None:
                finish(conn, row.id, now)
    batch.due_at, batch.queued_at = upcoming_work(conn)
    return batch


_Decision = tuple[Row[Any], Verdict]


def _decisions(conn: Connection, rows: Any, config: SchedulerConfig, now: int) -> Any:
    calendars: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
    for row in rows:
        try:
            timing = stored_timing(conn, row, calendars)
            how = behaviour_of(row.options, config)
        except (CronError, msgspec.MsgspecError, ValueError, LookupError) as error:
            _log.error("schedule %s is damaged and was switched off: %s", row.id, error)
            conn.execute(_BREAK, {"b_id": row.id, "b_reason": f"damaged: {error}"})
            continue
        due = Due(row.id, row.kind, row.next_due, row.one_shot, row.fires, row.max_fires, row.active, row.waiting)
        yield row, decide(due, timing, how, now)


def _record(
    conn: Connection,
    decisions: list[_Decision],
    batch: Batch,
    node: str,
    config: SchedulerConfig,
    free: int,
    *,
    known: frozenset[str],
) -> None:
    inserts: list[dict[str, Any]] = []
    advances: list[dict[str, Any]] = []
    lease = batch.now + round(config.lease_seconds * 1000)
    for row, verdict in decisions:
        doubled = doubled_waiting = 0
        if verdict.replace:
            _drop_waiting(conn, row.id, batch.now)
        if verdict.stop:
            batch.stop.append(row.id)
        last = row.last_run
        for plan in verdict.planned:
            ident = fire_id(row.id, plan.scheduled_for, "missed" if plan.state == "missed" else "regular")
            if ident in known:
                doubled, doubled_waiting = doubled + plan.slot, doubled_waiting + (plan.state == "waiting")
                continue
            state, ended = plan.state, plan.state in ("skipped", "dropped", "missed")
            claimed = plan.slot and len(batch.claimed) < free
            if claimed:
                state = "claimed"
                batch.claimed.append(Claimed(ident, row.id, plan.scheduled_for, 1))
            if not ended:
                last = plan.scheduled_for
                batch.lateness.append(batch.now - plan.scheduled_for)
            inserts.append({
                "id": ident, "schedule_id": row.id, "scheduled_for": plan.scheduled_for, "trigger": plan.trigger, "attempt": 1, "state": state,
                "slot": plan.slot, "not_before": plan.not_before, "reason": plan.reason, "node": node if claimed else None,
                "lease_until": lease if claimed else None, "fence": int(claimed), "missed": plan.missed, "last_scheduled_for": plan.last,
                "created_at": batch.now, "completed_at": batch.now if ended else None,
            })  # fmt: skip
        advances.append({
            "b_id": row.id, "b_due": row.next_due, "b_next": verdict.next_due, "b_fires": verdict.fires, "b_active": verdict.active - doubled,
            "b_waiting": verdict.waiting - doubled_waiting, "b_last_run": last,
            "b_last_due": max(row.last_due, row.next_due, *(plan.last or plan.scheduled_for for plan in verdict.planned)),
        })  # fmt: skip
    batch.fired = len(inserts)
    if inserts and _insert(conn, inserts) != len(inserts):
        raise _Collision
    if advances:
        conn.execute(_ADVANCE, advances)


def _insert(conn: Connection, rows: list[dict[str, Any]]) -> int:
    """Insert what is not there yet, in as few statements as the database allows, and return how many were."""
    if conn.dialect.name == "postgresql":
        return len(conn.execute(_PG_INSERT, rows).all())
    return conn.execute(_SQLITE_INSERT, rows).rowcount


def _existing(conn: Connection, decisions: list[_Decision]) -> frozenset[str]:
    wanted = [
        fire_id(row.id, plan.scheduled_for, kind)
        for row, verdict in decisions
        for plan in verdict.planned
        for kind in ("regular", "missed")
    ]
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        found.update(conn.execute(select(_F.id).where(_F.id.in_(wanted[start : start + 500]))).scalars())
    return frozenset(found)


def _drop_waiting(conn: Connection, schedule_id: str, now: int) -> None:
    where = (_F.schedule_id == schedule_id) & (_F.state == "waiting")
    conn.execute(
        update(FIRES).where(where).values(state="dropped", reason="a newer fire took its place", completed_at=now)
    )


def spec_of(row: Any, *, dates: tuple[str, ...] | None = None, weekdays: tuple[int, ...] = ()) -> TimingSpec:
    """The timing spec of a schedule's row; the id matters only where `H` is placed by it."""
    text = row.expression
    hashed = (
        row.kind == "cron"
        and ("H" in text or "h" in text)
        and any(item[:1] in "Hh" for part in text.split() for item in part.split(","))
    )
    return TimingSpec(
        row.kind, row.expression, row.timezone, row.dst_gap, row.dst_overlap, row.day_match, row.id if hashed else None,
        row.anchor if row.kind != "cron" else 0, row.start_at, row.end_at, dates, weekdays, row.calendar_mode, row.on_excluded,
    )  # fmt: skip


def stored_timing(conn: Connection, row: Any, calendars: dict[str, tuple[tuple[str, ...], tuple[int, ...]]]) -> Timing:
    """The timing of a schedule's row with its calendar read from the store; raises CronError, LookupError for a calendar that is gone."""
    if row.calendar is None:
        return timing_of(spec_of(row))
    if row.calendar not in calendars:
        found = conn.execute(
            select(CALENDARS.c.dates, CALENDARS.c.weekdays).where(CALENDARS.c.name == row.calendar)
        ).one_or_none()
        if found is None:
            raise LookupError(f"the calendar {row.calendar!r} does not exist")
        calendars[row.calendar] = (found.dates, found.weekdays)
    dates, weekdays = calendars[row.calendar]
    return timing_of(spec_of(row, dates=dates, weekdays=weekdays))


def upcoming_work(conn: Connection) -> tuple[int | None, int | None]:
    """When the next schedule is due, and when the next queued fire may start."""
    due = conn.execute(select(func.min(_S.next_due)).where(_S.state == "active", _S.next_due.is_not(None))).scalar()
    queued = conn.execute(select(func.min(_F.not_before)).where(_F.state == "queued")).scalar()
    return due, queued
