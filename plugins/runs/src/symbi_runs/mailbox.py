"""Mailboxes of event-driven agents: durable, in order, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import CapacityExceeded, Conflict
from symbi.contracts.principal import Principal
from symbi.contracts.runs import END_STATES
from symbi_runs.hub import Hub
from symbi_runs.tables import MAILBOX, RUNS

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["MailItem", "Mailboxes"]

POLL_SECONDS = 2.0


class MailItem(msgspec.Struct, frozen=True, kw_only=True):
    """One event in a mailbox."""

    position: int
    id: str
    agent_id: str
    event_type: str
    payload: Any
    principal: Principal
    status: str
    tries: int
    taken_by: str | None
    created_at: int


_FIELDS = [MAILBOX.c[name] for name in MailItem.__struct_fields__]


class Mailboxes:
    """Takes events in, and hands each to one run at a time."""

    def __init__(
        self,
        context: PluginContext,
        *,
        limit: int,
        tries: int,
        start: Callable[[MailItem], Awaitable[str | None]],
        hold: Callable[[str, str], Awaitable[Callable[[], Awaitable[None]]]],
    ) -> None:
        self._context = context
        self._limit = limit
        self._tries = tries
        self._start = start
        self._hold = hold
        self._news = Hub()
        self._locks: dict[str, asyncio.Lock] = {}

    async def put(
        self, agent_id: str, event_type: str, payload: Any, *, principal: Principal, event_id: str | None
    ) -> str:
        """Store an event and return its id; the same id again is taken once. Raises `CapacityExceeded`."""
        row = {
            "id": event_id or self._context.ids.uuid(),
            "agent_id": agent_id,
            "event_type": event_type,
            "payload": payload,
            "principal": principal,
            "status": "pending",
            "tries": 0,
            "created_at": self._context.clock.now_ms(),
        }
        try:
            if not await self._context.store.write(_put, row, self._limit):
                raise CapacityExceeded(f"the agent's mailbox holds {self._limit} events that wait", code="MAILBOX_FULL")
        except Conflict:
            return str(row["id"])
        self._news.tell(agent_id)
        return str(row["id"])

    async def dispatch(self, agent_id: str) -> None:
        """Start a run for the oldest event that waits, unless one of the agent is being handled."""
        async with self._locks.setdefault(agent_id, asyncio.Lock()):
            while (item := await self._context.store.read(_first, agent_id)) is not None:
                run_id = await self._start(item)
                await self._context.store.write(_mark, item.position, "taken", run_id, item.tries + 1, None)
                status = await self._context.store.read(_status_of, run_id) if run_id else "failed"
                if status not in END_STATES:
                    return
                # It could not be started, or was over before it was noted that it had the event.
                now = self._context.clock.now_ms()
                await self._context.store.write(_settle, item.position, status == "completed", self._tries, now)

    async def handled(self, agent_id: str, position: int, *, ok: bool) -> None:
        """Note how the run that handled an event ended; a failed one is tried again, then given up."""
        now = self._context.clock.now_ms()
        await self._context.store.write(_settle, position, ok, self._tries, now)
        await self.dispatch(agent_id)

    async def empty(self, agent_id: str) -> None:
        """Drop every event that waits."""
        await self._context.store.write(_empty, agent_id, self._context.clock.now_ms())

    async def recover(self) -> None:
        """Settle events whose run ended while nobody was there to note it, and go on with what waits."""
        for position, agent_id, status in await self._context.store.read(_in_hand):
            if status is None or status in END_STATES:
                await self.handled(agent_id, position, ok=status == "completed")
        for agent_id in await self.agents_with_mail():
            await self.dispatch(agent_id)

    async def agents_with_mail(self) -> list[str]:
        """Return the agents for which events wait."""
        return await self._context.store.read(_agents)

    async def wait(
        self, run: EffectContext, seq: int, *, event_type: str, seconds: float | None
    ) -> dict[str, Any] | None:
        """Take the next event for a run that waits for one; the same call of a resumed run gets the same event."""
        taker = f"{run.run_id}:{seq}"
        deadline = None if seconds is None else self._context.clock.monotonic() + seconds
        go_on = None
        try:
            with self._news.follow(run.agent_id) as news:
                while True:
                    news.clear()
                    item = await self._context.store.write(
                        _take, run.agent_id, event_type, taker, self._context.clock.now_ms()
                    )
                    if item is not None:
                        return {"id": item.id, "type": item.event_type, "payload": item.payload, "at": item.created_at}
                    left = (
                        POLL_SECONDS
                        if deadline is None
                        else min(POLL_SECONDS, deadline - self._context.clock.monotonic())
                    )
                    if left <= 0:
                        return None
                    if go_on is None:
                        go_on = await self._hold(run.run_id, f"event {event_type}".strip())
                    try:
                        async with asyncio.timeout(left):
                            await news.wait()
                    except TimeoutError:
                        continue
        finally:
            if go_on is not None:
                await go_on()


def _put(conn: Connection, row: dict[str, Any], limit: int) -> bool:
    waiting = (
        select(func.count())
        .select_from(MAILBOX)
        .where(MAILBOX.c.agent_id == row["agent_id"], MAILBOX.c.status == "pending")
    )
    if int(conn.execute(waiting).scalar() or 0) >= limit:
        return False
    conn.execute(insert(MAILBOX), [row])
    return True


def _first(conn: Connection, agent_id: str) -> MailItem | None:
    mine = MAILBOX.c.agent_id == agent_id
    busy = select(MAILBOX.c.position).where(mine, MAILBOX.c.status == "taken").limit(1)
    if conn.execute(busy).first() is not None:
        return None
    row = conn.execute(
        select(*_FIELDS).where(mine, MAILBOX.c.status == "pending").order_by(MAILBOX.c.position).limit(1)
    ).first()
    return MailItem(**row._mapping) if row is not None else None


def _mark(conn: Connection, position: int, status: str, taken_by: str | None, tries: int, ended_at: int | None) -> None:
    values = {"status": status, "taken_by": taken_by, "tries": tries, "ended_at": ended_at}
    conn.execute(update(MAILBOX).where(MAILBOX.c.position == position), values)


def _settle(conn: Connection, position: int, ok: bool, most: int, now: int) -> None:
    row = conn.execute(select(MAILBOX.c.tries, MAILBOX.c.status).where(MAILBOX.c.position == position)).one_or_none()
    if row is None or row.status != "taken":
        return
    if ok:
        _mark(conn, position, "done", None, row.tries, now)
    elif row.tries >= most:
        _mark(conn, position, "dead", None, row.tries, now)
    else:
        _mark(conn, position, "pending", None, row.tries, None)


def _take(conn: Connection, agent_id: str, event_type: str, taker: str, now: int) -> MailItem | None:
    mine = MAILBOX.c.agent_id == agent_id
    row = conn.execute(select(*_FIELDS).where(mine, MAILBOX.c.taken_by == taker)).first()
    if row is None:
        statement = select(*_FIELDS).where(mine, MAILBOX.c.status == "pending").order_by(MAILBOX.c.position).limit(1)
        if event_type:
            statement = statement.where(MAILBOX.c.event_type == event_type)
        row = conn.execute(statement).first()
        if row is None:
            return None
        _mark(conn, row.position, "done", taker, row.tries + 1, now)
    return MailItem(**row._mapping)


def _empty(conn: Connection, agent_id: str, now: int) -> None:
    waiting = (MAILBOX.c.agent_id == agent_id) & (MAILBOX.c.status == "pending")
    conn.execute(update(MAILBOX).where(waiting), {"status": "dead", "ended_at": now})


def _status_of(conn: Connection, run_id: str) -> str | None:
    return conn.execute(select(RUNS.c.status).where(RUNS.c.id == run_id)).scalar()


def _in_hand(conn: Connection) -> list[tuple[int, str, str | None]]:
    joined = MAILBOX.outerjoin(RUNS, RUNS.c.id == MAILBOX.c.taken_by)
    statement = (
        select(MAILBOX.c.position, MAILBOX.c.agent_id, RUNS.c.status)
        .select_from(joined)
        .where(MAILBOX.c.status == "taken")
    )
    return [(row.position, row.agent_id, row.status) for row in conn.execute(statement)]


def _agents(conn: Connection) -> list[str]:
    return [
        row.agent_id for row in conn.execute(select(MAILBOX.c.agent_id).where(MAILBOX.c.status == "pending").distinct())
    ]
