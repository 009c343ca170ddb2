"""After a crash, and while others may crash: claims without a start, runs whose end nobody told, counters, moved zones (§3.3)."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, update

from symbi.contracts.approvals import Approvals
from symbi.contracts.errors import NotFound, SymbiError
from symbi.contracts.runs import RunService
from symbi.kernel.context import PluginContext
from symbi_scheduler.claims import release_expired
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.cron import CronError
from symbi_scheduler.cron.zones import zone_data_version
from symbi_scheduler.ending import Ending
from symbi_scheduler.finish import finish_exhausted
from symbi_scheduler.nodes import greet
from symbi_scheduler.plans import stored_timing
from symbi_scheduler.retention import forget, superfluous
from symbi_scheduler.settling import Outcome
from symbi_scheduler.tables import FIRES, SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Recovery", "recompute_zones"]

_log = logging.getLogger("symbi.scheduler")
_S, _F = SCHEDULES.c, FIRES.c
_AT_ONCE = 500
_PRUNE_EVERY = 300_000


class Recovery:
    """Puts right at the start, and every few seconds, what a crash of this or another node left behind."""

    def __init__(
        self, context: PluginContext, config: SchedulerConfig, keeper: Timekeeper, ending: Ending, node: str
    ) -> None:
        self._context = context
        self._config = config
        self._keeper = keeper
        self._ending = ending
        self._node = node
        self._pruned_at = keeper.now()

    async def at_start(self) -> None:
        """Before the first fire: on a store of one's own every claim is void and the counters are made true again."""
        store = self._context.store
        alone = store.dialect == "sqlite"
        await store.write_committed(greet, self._node, self._keeper.now())
        released = await store.write_committed(release_expired, self._keeper, everything=alone)
        if released:
            _log.info("%d fires were claimed and not started before the last stop; they are queued again", released)
        if alone:
            await store.write(_true_counters)
        moved = await store.write(recompute_zones, zone_data_version(), self._keeper.now())
        if moved:
            _log.info("time zone data changed to %s: the next fire of %d schedules moved", zone_data_version(), moved)

    async def sweep(self) -> None:
        """One round: leases, ends nobody told, decisions of people, history."""
        store = self._context.store
        if await store.read(_any_claimed):
            await store.write_committed(greet, self._node, self._keeper.now())
            if await store.write_committed(release_expired, self._keeper):
                self._ending.wake()
        await self._check_runs()
        await self._check_approvals()
        self._ending.running = await store.read(_running_here, self._node)
        if await store.read(_any_exhausted):
            await store.write_committed(finish_exhausted, self._keeper.now())
        await self._prune()

    async def _prune(self) -> None:
        """Keep the history within its bounds, every few minutes; found by a reader, deleted in small transactions."""
        now = self._keeper.now()
        if now - self._pruned_at < _PRUNE_EVERY:
            return
        self._pruned_at = now
        while gone := await self._context.store.read(superfluous, self._config, now):
            await self._context.store.write_committed(forget, gone)
            await self._context.clock.sleep(0.05)

    async def _check_runs(self) -> None:
        runs = self._context.services.maybe(RunService)
        if runs is None:
            return
        for row in await self._context.store.read(_running):
            try:
                run = await runs.get(row.run_id)
            except NotFound:
                outcome = Outcome(
                    status="lost", at=self._keeper.now(), run_id=row.run_id, reason="the run is gone from the store"
                )
                await self._ending.end(row.id, outcome)
                continue
            if run.ended:
                await self._ending.run_ended(run, row.id)

    async def _check_approvals(self) -> None:
        approvals = self._context.services.maybe(Approvals)
        for row in await self._context.store.read(_held):
            if approvals is None:
                continue
            try:
                await self.approval_resolved(row.id, (await approvals.get(row.approval_id)).status)
            except NotFound:
                await self.approval_resolved(row.id, "expired")
            except SymbiError as error:
                _log.warning("approval %s cannot be read: %s", row.approval_id, error)

    async def approval_resolved(self, fire: str, status: str) -> None:
        """Let a parked fire go on, or end it as denied."""
        if status == "pending":
            return
        if status == "approved":
            await self._context.store.write_committed(_release_held, fire, self._keeper.now())
            self._ending.wake()
            return
        error = {"code": f"approval_{status}", "message": f"the approval was {status}"}
        await self._ending.end(
            fire, Outcome(status="denied", at=self._keeper.now(), error=error, reason=error["message"])
        )

    async def fire_of_approval(self, approval_id: str) -> str | None:
        """The fire that waits for this approval, if any."""
        return await self._context.store.read(_fire_of_approval, approval_id)


def _running(conn: Connection) -> list[Any]:
    where = (_F.state == "running", _F.completed_at.is_(None), _F.run_id.is_not(None))
    return list(conn.execute(select(_F.id, _F.run_id).where(*where).order_by(_F.started_at).limit(_AT_ONCE)).all())


def _held(conn: Connection) -> list[Any]:
    where = (_F.state == "waiting_approval", _F.completed_at.is_(None), _F.approval_id.is_not(None))
    return list(conn.execute(select(_F.id, _F.approval_id).where(*where).limit(_AT_ONCE)).all())


def _fire_of_approval(conn: Connection, approval_id: str) -> str | None:
    return conn.execute(
        select(_F.id).where(_F.state == "waiting_approval", _F.completed_at.is_(None), _F.approval_id == approval_id)
    ).scalar()


def _release_held(conn: Connection, fire: str, now: int) -> None:
    held = (_F.id == fire) & (_F.state == "waiting_approval")
    conn.execute(
        update(FIRES).where(held).values(state="queued", not_before=now, reason="approved", fence=_F.fence + 1)
    )


def _any_claimed(conn: Connection) -> bool:
    return (
        conn.execute(select(_F.id).where(_F.state == "claimed", _F.completed_at.is_(None)).limit(1)).first() is not None
    )


def _any_exhausted(conn: Connection) -> bool:
    return conn.execute(select(_S.id).where(_S.state == "active", _S.next_due.is_(None)).limit(1)).first() is not None


def _running_here(conn: Connection, node: str) -> int:
    return conn.execute(
        select(func.count())
        .select_from(FIRES)
        .where(_F.node == node, _F.state.in_(("claimed", "running")), _F.completed_at.is_(None))
    ).scalar_one()


def _true_counters(conn: Connection) -> None:
    """Count again what is active and waiting; only for a runtime that owns the store."""
    for column, where in (
        ("active", and_(_F.slot, _F.state.in_(("queued", "claimed", "waiting_approval", "running")))),
        ("waiting", _F.state == "waiting"),
    ):
        number = select(func.count()).select_from(FIRES).where(_F.schedule_id == _S.id, where).scalar_subquery()
        busy = select(_F.schedule_id).where(
            _F.state.in_(("queued", "claimed", "waiting", "waiting_approval", "running"))
        )
        conn.execute(update(SCHEDULES).where((_S[column] != 0) | _S.id.in_(busy)).values({column: number}))


def recompute_zones(conn: Connection, version: str, now: int) -> int:
    """After a change of time zone data: compute every next fire anew; return how many moved (TZ3)."""
    rows = conn.execute(
        select(SCHEDULES).where(
            _S.zone_data != version, _S.kind == "cron", _S.timezone != "UTC", _S.next_due.is_not(None)
        )
    ).all()
    changes = []
    calendars: dict[str, Any] = {}
    for row in rows:
        try:
            found = stored_timing(conn, row, calendars).next_after(max(row.last_due, min(now, row.next_due - 1)))
        except (CronError, ValueError, LookupError):
            continue  # the fire transaction will switch it off with its reason
        if found != row.next_due:
            changes.append({"b_id": row.id, "b_due": found})
    if changes:
        conn.execute(update(SCHEDULES).where(_S.id == bindparam("b_id")).values(next_due=bindparam("b_due")), changes)
    conn.execute(update(SCHEDULES).where(_S.zone_data != version).values(zone_data=version))
    return len(changes)
