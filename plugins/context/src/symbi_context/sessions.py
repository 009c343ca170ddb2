"""Sessions: many an agent, each with the lines that were said in it (CTX-6)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from symbi.contracts.context import MemoryItem, MemoryNotFound
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.vectors import Scope
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.config import ContextConfig
from symbi_context.memories import Memories
from symbi_context.tables import ITEMS, SESSIONS
from symbi_context.texts import clean

__all__ = ["Sessions"]

_ROLES = ("user", "agent", "assistant", "system", "tool")


class Sessions:
    """Keeps conversations."""

    def __init__(self, config: ContextConfig, context: PluginContext, memories: Memories) -> None:
        self._config = config
        self._context = context
        self._memories = memories

    async def begin(self, scope: Scope, title: str, *, session: str = "") -> str:
        """Begin a session and return its id; one that exists goes on."""
        session = session or self._context.ids.uuid()
        if len(session) > 200 or "\0" in session:
            raise InvalidRequest("a session's id has at most 200 characters", details={"field": "session"})
        await self._context.store.write(_begin, scope, session, title[:400], self._context.clock.now_ms())
        return session

    async def all(self, scope: Scope, *, limit: int) -> list[dict[str, Any]]:
        """Return the agent's sessions, the one that was used last first."""
        return await self._context.store.read(_list, scope, limit)

    async def add_line(self, scope: Scope, session: str, role: str, text: str) -> MemoryItem:
        """Add a line to a session, which begins with it where it is new."""
        if role not in _ROLES:
            raise InvalidRequest(f"{role!r} is no role", hint=f"one of {', '.join(_ROLES)}", details={"field": "role"})
        safe = clean(text, field="text", most=self._config.max_text_bytes)
        session = await self.begin(scope, "", session=session)
        now = self._context.clock.now_ms()
        line = MemoryItem(
            id=self._context.ids.uuid(), kind="line", agent=scope.agent, text=safe, type="episodic", importance=0.5, level="public",
            created_at=now, accessed_at=now, session=session, data={"role": role},
        )  # fmt: skip
        await self._memories.keep_all(scope, [line])
        return line

    async def lines(self, scope: Scope, session: str, *, limit: int) -> list[MemoryItem]:
        """Return the last lines of a session, oldest first; raises `MemoryNotFound`."""
        found = await self._context.store.read(_lines, scope, session, limit)
        if found is None:
            raise MemoryNotFound(
                f"there is no session {session!r} of this agent", hint="symbi memory sessions lists them"
            )
        return found


def _one(scope: Scope, session: str) -> tuple[Any, ...]:
    return SESSIONS.c.tenant == scope.tenant, SESSIONS.c.agent == scope.agent, SESSIONS.c.id == session


def _begin(conn: Connection, scope: Scope, session: str, title: str, now: int) -> None:
    if conn.execute(update(SESSIONS).where(*_one(scope, session)).values(updated_at=now)).rowcount == 0:
        values = {"tenant": scope.tenant, "agent": scope.agent, "id": session, "title": title}
        conn.execute(insert(SESSIONS).values(**values, created_at=now, updated_at=now))


def _list(conn: Connection, scope: Scope, limit: int) -> list[dict[str, Any]]:
    statement = select(SESSIONS).where(SESSIONS.c.tenant == scope.tenant, SESSIONS.c.agent == scope.agent)
    found = conn.execute(statement.order_by(SESSIONS.c.updated_at.desc(), SESSIONS.c.id).limit(limit))
    return [
        {"id": row.id, "title": row.title, "created_at": row.created_at, "updated_at": row.updated_at} for row in found
    ]


def _lines(conn: Connection, scope: Scope, session: str, limit: int) -> list[MemoryItem] | None:
    if conn.execute(select(SESSIONS.c.id).where(*_one(scope, session))).first() is None:
        return None
    statement = select(ITEMS).where(rows.own(scope), ITEMS.c.kind == "line", ITEMS.c.session == session)
    found = conn.execute(statement.order_by(ITEMS.c.seq.desc()).limit(limit)).all()
    return [rows.item_of(row) for row in reversed(found)]
