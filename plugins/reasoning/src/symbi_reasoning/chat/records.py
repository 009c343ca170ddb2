"""Statements over threads and turns, each in one transaction."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from symbi.contracts.errors import Conflict
from symbi_reasoning.chat.tables import THREADS, TURNS

__all__ = ["Thread", "Turn", "add_turn", "end_turn", "find_thread", "list_threads", "name_run", "turns_of"]


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation of one principal with one agent; times are UTC milliseconds."""

    id: str
    agent_id: str
    agent: str
    principal: str
    title: str
    created_at: int
    updated_at: int


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What was said and what was answered by which run; `status` is `open` until the run has ended."""

    thread_id: str
    number: int
    run_id: str
    message: str
    answer: str | None
    status: str
    created_at: int


def find_thread(conn: Connection, thread_id: str) -> Thread | None:
    """Return a thread, or None."""
    row = conn.execute(select(THREADS).where(THREADS.c.id == thread_id)).mappings().first()
    return Thread(**row) if row else None


def list_threads(conn: Connection, principal: str, limit: int) -> list[Thread]:
    """Return the principal's threads, the newest first."""
    wanted = select(THREADS).where(THREADS.c.principal == principal).order_by(THREADS.c.updated_at.desc()).limit(limit)
    return [Thread(**row) for row in conn.execute(wanted).mappings()]


def turns_of(conn: Connection, thread_id: str, limit: int) -> list[Turn]:
    """Return the newest turns of a thread, in their order."""
    wanted = select(TURNS).where(TURNS.c.thread_id == thread_id).order_by(TURNS.c.number.desc()).limit(limit)
    return [Turn(**row) for row in conn.execute(wanted).mappings()][::-1]


def add_turn(conn: Connection, thread: Thread, message: str) -> int:
    """Add a turn, beginning the thread where it is new, and return its number; raises `Conflict` while another is open."""
    if find_thread(conn, thread.id) is None:
        conn.execute(THREADS.insert().values(msgspec.structs.asdict(thread)))
    else:
        conn.execute(update(THREADS).where(THREADS.c.id == thread.id).values(updated_at=thread.updated_at))
    mine = TURNS.c.thread_id == thread.id
    if conn.execute(select(TURNS.c.number).where(mine, TURNS.c.status == "open")).first():
        raise Conflict("this conversation still waits for an answer", code="CHAT_BUSY")
    number = (conn.execute(select(func.max(TURNS.c.number)).where(mine)).scalar() or 0) + 1
    values: dict[str, Any] = {"thread_id": thread.id, "number": number, "message": message}
    conn.execute(TURNS.insert().values(**values, run_id="", status="open", created_at=thread.updated_at))
    return number


def name_run(conn: Connection, thread_id: str, number: int, run_id: str) -> None:
    """Note which run answers a turn."""
    conn.execute(update(TURNS).where(TURNS.c.thread_id == thread_id, TURNS.c.number == number).values(run_id=run_id))


def end_turn(conn: Connection, thread_id: str, number: int, status: str, answer: str | None) -> None:
    """Note what was answered."""
    mine = (TURNS.c.thread_id == thread_id, TURNS.c.number == number)
    conn.execute(update(TURNS).where(*mine).values(status=status, answer=answer))
