"""The fire transaction: due schedules are advanced and their fires recorded together, or not at all (R-ONCE)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select, update

from symbi_scheduler.cron import CronError
from symbi_scheduler.decide import Due, Planned, Verdict, decide
from symbi_scheduler.finish import finish
from symbi_scheduler.fire_ids import fire_id
from symbi_scheduler.plans import DUE, DueRow, Plans
from symbi_scheduler.recording import advance, insert_fires
from symbi_scheduler.tables import FIRES, SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Batch", "Claimed", "fire_due", "upcoming_work"]

_log = logging.getLogger("symbi.scheduler")

_S, _F = SCHEDULES.c, FIRES.c


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


def fire_due(conn: Connection, keeper: Timekeeper, node: str, plans: Plans, free: int, most: int) -> Batch:
    """Fire what is due, at most `most` schedules; of the new fires the first `free` are claimed for this node."""
    now = keeper.read(conn)
    rows = conn.execute(DUE, {"now": now, "most": most}).all()
    batch = Batch(now=now, full=len(rows) == most)
    if rows:
        decisions = list(_decisions(conn, [DueRow._make(row) for row in rows], plans, now))
        lease = now + round(plans.config.lease_seconds * 1000)
        recorder = _Recorder(batch, node, lease, free)
        try:
            with conn.begin_nested():
                recorder.record(conn, decisions, known=frozenset())
        except _Collision:
            batch = Batch(now=now, full=batch.full)
            recorder = _Recorder(batch, node, lease, free)
            recorder.record(conn, decisions, known=_existing(conn, decisions))
        for row, verdict in decisions:
            if verdict.next_due is None:
                finish(conn, row.id, now)
    batch.due_at, batch.queued_at = upcoming_work(conn)
    return batch


_Decision = tuple[DueRow, Verdict]


def _decisions(conn: Connection, rows: list[DueRow], plans: Plans, now: int) -> Iterator[_Decision]:
    calendars: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
    for row in rows:
        try:
            timing, how = plans.of(conn, row, calendars)
        except (CronError, msgspec.MsgspecError, ValueError, LookupError) as error:
            _log.error("schedule %s is damaged and was switched off: %s", row.id, error)
            broken = {"state": "failed", "next_due": None, "reason": f"damaged: {error}"}
            conn.execute(update(SCHEDULES).where(_S.id == row.id).values(**broken))
            continue
        due = Due(row.id, row.kind, row.next_due, row.one_shot, row.fires, row.max_fires, row.active, row.waiting)  # type: ignore[arg-type]
        yield row, decide(due, timing, how, now)


class _Recorder:
    """Turns decisions into rows and writes them."""

    def __init__(self, batch: Batch, node: str, lease: int, free: int) -> None:
        self.batch = batch
        self._node = node
        self._lease = lease
        self._free = free
        self._inserts: list[tuple[Any, ...]] = []

    def record(self, conn: Connection, decisions: list[_Decision], *, known: frozenset[str]) -> None:
        """Write everything; raises _Collision when a fire is there already that `known` does not name."""
        advances = []
        for row, verdict in decisions:
            if verdict.replace:
                _drop_waiting(conn, row.id, self.batch.now)
            if verdict.stop:
                self.batch.stop.append(row.id)
            last_run, last_due = row.last_run, max(row.last_due, row.next_due)
            active, waiting = verdict.active, verdict.waiting
            for plan in verdict.planned:
                last_due = max(last_due, plan.last or plan.scheduled_for)
                if not self._add(row.id, plan, known):
                    active, waiting = active - plan.slot, waiting - (plan.state == "waiting")
                elif plan.state in ("queued", "waiting"):
                    last_run = plan.scheduled_for
            advances.append(
                (
                    verdict.next_due,
                    verdict.fires,
                    verdict.fires,
                    active,
                    waiting,
                    last_run,
                    last_due,
                    row.id,
                    row.next_due,
                )
            )
        self.batch.fired = len(self._inserts)
        if self._inserts and insert_fires(conn, self._inserts) != len(self._inserts):
            raise _Collision
        if advances:
            advance(conn, advances)

    def _add(self, schedule_id: str, plan: Planned, known: frozenset[str]) -> bool:
        ident = fire_id(schedule_id, plan.scheduled_for, "missed" if plan.state == "missed" else "regular")
        if ident in known:
            return False
        batch, state, now = self.batch, plan.state, self.batch.now
        ended = state in ("skipped", "dropped", "missed")
        node = lease = None
        if plan.slot and len(batch.claimed) < self._free:
            state, node, lease = "claimed", self._node, self._lease
            batch.claimed.append(Claimed(ident, schedule_id, plan.scheduled_for, 1))
        if not ended:
            batch.lateness.append(now - plan.scheduled_for)
        self._inserts.append((
            ident, schedule_id, plan.scheduled_for, plan.trigger, 1, state, plan.slot, plan.not_before, plan.reason, node, lease,
            int(node is not None), plan.missed, plan.last, now, now if ended else None,
        ))  # fmt: skip
        return True


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


def upcoming_work(conn: Connection) -> tuple[int | None, int | None]:
    """When the next schedule is due, and when the next queued fire may start."""
    due = conn.execute(select(func.min(_S.next_due)).where(_S.state == "active", _S.next_due.is_not(None))).scalar()
    queued = conn.execute(
        select(func.min(_F.not_before)).where(_F.state == "queued", _F.completed_at.is_(None))
    ).scalar()
    return due, queued
