"""Memories: kept, corrected, superseded with history, evicted when there are too many (CTX-3, CTX-8, CTX-20, CTX-21)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select, update

from symbi.contracts.context import MEMORY_TYPES, MemoryItem, MemoryNotFound, NewMemory
from symbi.contracts.errors import CapacityExceeded, InvalidRequest, SymbiError
from symbi.contracts.vectors import Scope, TransactionalVectorStore, Vector, level_rank
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.config import ContextConfig
from symbi_context.importance import importance_of
from symbi_context.tables import ITEMS, REVISIONS
from symbi_context.texts import clean, normalised
from symbi_context.vectors import Vectors

__all__ = ["Memories", "unknown_item"]

_CHANGEABLE = frozenset({"text", "importance", "level", "pinned", "metadata", "data", "valid_to", "type"})
_LARGEST_DATA = 262_144
_EVICTED_AT_ONCE = 100


class Memories:
    """Keeps memories of agents."""

    def __init__(self, config: ContextConfig, context: PluginContext, vectors: Vectors) -> None:
        self._config = config
        self._context = context
        self._vectors = vectors

    async def remember(self, scope: Scope, memory: NewMemory) -> MemoryItem:
        """Keep a memory; its vector in the same transaction where the backend can, else right after, else as soon as it can be reached."""
        item = self._checked(scope, memory)
        vector, store = await self._vector(item.text)
        return await self._write(scope, item, supersedes=memory.supersedes, vector=vector, store=store)

    async def keep_all(self, scope: Scope, items: Sequence[MemoryItem]) -> None:
        """Keep lines or memories that were made elsewhere in this plugin, in one transaction."""
        await self._context.store.write(self._insert_many, scope, tuple(items), self._context.ids.uuid())
        await self._after([item.id for item in items])

    async def get(self, scope: Scope, item: str) -> MemoryItem:
        """Return one item that the scope may see; raises `MemoryNotFound`."""
        found = await self._context.store.read(rows.by_ids, [item], rows.visible(scope))
        if item not in found:
            raise unknown_item(item)
        return rows.item_of(found[item])

    async def list(self, scope: Scope, *, types: Sequence[str], limit: int, archived: bool) -> Sequence[MemoryItem]:
        """Return the agent's own memories, newest first."""
        return await self._context.store.read(_list, scope, tuple(types), limit, archived)

    async def revise(self, scope: Scope, item: str, changes: Mapping[str, Any]) -> MemoryItem:
        """Change a memory; what it was stays in its history."""
        unknown = set(changes) - _CHANGEABLE
        if unknown or not changes:
            field = sorted(unknown)[0] if unknown else "changes"
            raise InvalidRequest(
                f"{field} cannot be changed", hint=f"one of {', '.join(sorted(_CHANGEABLE))}", details={"field": field}
            )
        values = self._checked_changes(dict(changes))
        now, ticket = self._context.clock.now_ms(), self._context.ids.uuid()
        changed = await self._context.store.write(_revise, scope, item, values, now, ticket)
        await self._after([item])
        return changed

    async def history(self, scope: Scope, item: str) -> Sequence[MemoryItem]:
        """Return every state of a memory, oldest first; what it superseded comes before it."""
        await self.get(scope, item)
        return await self._context.store.read(_history, scope, item)

    def _checked(self, scope: Scope, memory: NewMemory) -> MemoryItem:
        now = self._context.clock.now_ms()
        text = clean(memory.text, field="text", most=self._config.max_text_bytes)
        self._checked_changes(
            {"importance": memory.importance, "data": memory.data, "type": memory.type, "level": memory.level}
        )
        if memory.valid_from is not None and memory.valid_to is not None and memory.valid_from > memory.valid_to:
            raise InvalidRequest("valid_to must not be before valid_from", details={"field": "valid_to"})
        valid_from = memory.valid_from
        if memory.supersedes and valid_from is None:
            valid_from = now
        return MemoryItem(
            id=self._context.ids.uuid(), kind="memory", agent=scope.agent, text=text, type=memory.type, importance=memory.importance,
            level=memory.level, created_at=now, accessed_at=now, session=memory.session[:200], store=memory.store[:200],
            data=memory.data, metadata=memory.metadata, pinned=memory.pinned, source=memory.source[:400],
            valid_from=valid_from, valid_to=memory.valid_to,
        )  # fmt: skip

    def _checked_changes(self, values: dict[str, Any]) -> dict[str, Any]:
        if "text" in values:
            values["text"] = clean(values["text"], field="text", most=self._config.max_text_bytes)
        importance = values.get("importance", 0.5)
        if (
            isinstance(importance, bool)
            or not isinstance(importance, int | float)
            or not (math.isfinite(importance) and 0 <= importance <= 1)
        ):
            raise InvalidRequest("importance must be a number from 0 to 1", details={"field": "importance"})
        if "type" in values and values["type"] not in MEMORY_TYPES:
            raise InvalidRequest(
                f"{values['type']!r} is no memory type",
                hint=f"one of {', '.join(MEMORY_TYPES)}",
                details={"field": "type"},
            )
        if "level" in values:
            level_rank(str(values["level"]))
        for field in ("data", "metadata"):
            if (
                not isinstance(values.get(field, {}), dict)
                or len(msgspec.json.encode(values.get(field, {}))) > _LARGEST_DATA
            ):
                raise InvalidRequest(
                    f"{field} must be an object of at most {_LARGEST_DATA} bytes", details={"field": field}
                )
        if not all(isinstance(value, str) for value in values.get("metadata", {}).values()):
            raise InvalidRequest("metadata must have texts as values", details={"field": "metadata"})
        if not isinstance(values.get("pinned", False), bool):
            raise InvalidRequest("pinned must be true or false", details={"field": "pinned"})
        if not isinstance(values.get("valid_to"), int | None):
            raise InvalidRequest("valid_to must be a time", details={"field": "valid_to"})
        return values

    async def _vector(self, text: str) -> tuple[Vector | None, TransactionalVectorStore | None]:
        """Return the vector before the transaction begins, where the backend can take part in it."""
        try:
            store = await self._vectors.transactional()
            return ((await self._vectors.embed([text]))[0], store) if store is not None else (None, None)
        except SymbiError as error:
            self._context.logger.warning("a memory waits for its vector: %s", error)
            return None, None

    async def _write(
        self,
        scope: Scope,
        item: MemoryItem,
        *,
        supersedes: str | None,
        vector: Vector | None,
        store: TransactionalVectorStore | None,
    ) -> MemoryItem:
        ticket = self._context.ids.uuid()
        kept = await self._context.store.write(self._insert, scope, item, supersedes, ticket, vector, store)
        if vector is None:
            await self._after([item.id])
        return kept

    async def _after(self, ids: Sequence[str]) -> None:
        await self._vectors.drain(ids)

    def _insert(
        self,
        conn: Connection,
        scope: Scope,
        item: MemoryItem,
        supersedes: str | None,
        ticket: str,
        vector: Vector | None,
        store: TransactionalVectorStore | None,
    ) -> MemoryItem:
        self._make_room(conn, scope)
        older = self._older(conn, scope, item, supersedes)
        if older.superseded and item.valid_from is None:
            item = msgspec.structs.replace(item, valid_from=item.created_at)
        closes = item.valid_from if item.valid_from is not None else item.created_at
        for row in older.superseded:
            rows.keep_state(conn, row, at=item.created_at)
            changed = {"valid_to": closes, "superseded_by": item.id, "revision": row.revision + 1}
            conn.execute(update(ITEMS).where(ITEMS.c.id == row.id).values(**changed))
        rows.add(conn, [rows.values_of(item, tenant=scope.tenant)])
        if vector is not None and store is not None:
            row = rows.by_ids(conn, [item.id])[item.id]
            store.upsert_in(conn, self._vectors.collection, [rows.record_of(row, vector)], scope=scope)
        elif self._vectors.on:
            rows.queue(conn, "put", [(item.id, scope.tenant, scope.agent)], ticket=ticket, at=item.created_at)
        return msgspec.structs.replace(item, conflicts=tuple(row.id for row in older.conflicting))

    def _insert_many(self, conn: Connection, scope: Scope, items: tuple[MemoryItem, ...], ticket: str) -> None:
        rows.add(conn, [rows.values_of(item, tenant=scope.tenant) for item in items])
        if self._vectors.on:
            waiting = [(item.id, scope.tenant, scope.agent) for item in items]
            rows.queue(conn, "put", waiting, ticket=ticket, at=self._context.clock.now_ms())

    def _older(self, conn: Connection, scope: Scope, item: MemoryItem, supersedes: str | None) -> _Older:
        """Return what the new memory replaces, and what it contradicts without replacing it (CTX-21)."""
        named: list[Any] = []
        if supersedes:
            found = rows.by_ids(conn, [supersedes], rows.own(scope), ITEMS.c.kind == "memory")
            if supersedes not in found:
                raise unknown_item(supersedes)
            named = [found[supersedes]]
            if named[0].superseded_by is not None:
                raise InvalidRequest(
                    f"{supersedes} is superseded already",
                    details={"field": "supersedes", "superseded_by": named[0].superseded_by},
                )
        subject, predicate = str(item.data.get("subject", ""))[:400], str(item.data.get("predicate", ""))[:200]
        if not subject or not predicate:
            return _Older(named, [])
        same = [
            row
            for row in conn.execute(
                select(ITEMS).where(
                    rows.own(scope),
                    ITEMS.c.subject == subject,
                    ITEMS.c.predicate == predicate,
                    ITEMS.c.archived_at.is_(None),
                    ITEMS.c.superseded_by.is_(None),
                    rows.current(item.created_at),
                )
            )
            if row.id not in {each.id for each in named}
            and normalised(str(row.data.get("object", ""))) != normalised(str(item.data.get("object", "")))
        ]
        if predicate in self._config.functional_predicates:
            return _Older([*named, *same], [])
        return _Older(named, same)

    def _make_room(self, conn: Connection, scope: Scope) -> None:
        """Archive the least important memories where there are too many; never pinned or secret ones (CTX-8)."""
        live: tuple[ColumnElement[bool], ...] = (
            rows.own(scope),
            ITEMS.c.kind == "memory",
            ITEMS.c.archived_at.is_(None),
        )
        count = int(conn.execute(select(func.count()).select_from(ITEMS).where(*live)).scalar_one())
        if count < self._config.max_memories:
            return
        now = self._context.clock.now_ms()
        evictable = conn.execute(
            select(ITEMS).where(*live, ITEMS.c.pinned.is_(False), ITEMS.c.level < level_rank("secret"))
        ).all()
        if not evictable:
            raise CapacityExceeded(
                f"the agent has {count} memories, all pinned or secret",
                hint="unpin or forget some, or raise [context] max_memories",
            )
        scored = sorted(
            evictable, key=lambda row: (importance_of(rows.item_of(row), self._config.importance, now=now), row.seq)
        )
        surplus = count - self._config.max_memories + 1
        several = max(surplus, min(_EVICTED_AT_ONCE, self._config.max_memories // 100))
        for row in scored[:several]:
            conn.execute(update(ITEMS).where(ITEMS.c.id == row.id).values(archived_at=now))


class _Older(msgspec.Struct, frozen=True):
    superseded: list[Any]
    conflicting: list[Any]


def unknown_item(item: str) -> MemoryNotFound:
    """Return the error of an item that is not there, or not for this scope."""
    return MemoryNotFound(f"there is no item {item!r} here", hint="symbi memory list shows what there is")


def _list(conn: Connection, scope: Scope, types: tuple[str, ...], limit: int, archived: bool) -> list[MemoryItem]:
    statement = select(ITEMS).where(rows.own(scope), ITEMS.c.kind == "memory")
    statement = statement.where(ITEMS.c.archived_at.is_not(None) if archived else ITEMS.c.archived_at.is_(None))
    if types:
        statement = statement.where(ITEMS.c.type.in_(types))
    return [
        rows.item_of(row)
        for row in conn.execute(statement.order_by(ITEMS.c.created_at.desc(), ITEMS.c.seq.desc()).limit(limit))
    ]


def _revise(conn: Connection, scope: Scope, item: str, values: dict[str, Any], now: int, ticket: str) -> MemoryItem:
    found = rows.by_ids(conn, [item], rows.own(scope), ITEMS.c.kind == "memory")
    if item not in found:
        raise unknown_item(item)
    row = found[item]
    rows.keep_state(conn, row, at=now)
    changed = msgspec.structs.replace(rows.item_of(row), **values, revision=row.revision + 1, accessed_at=now)
    written = rows.values_of(changed, tenant=scope.tenant)
    for fixed in ("id", "tenant", "agent", "created_at", "ordinal", "char_start", "char_end"):
        written.pop(fixed)
    conn.execute(update(ITEMS).where(ITEMS.c.id == item).values(**written))
    if {"text", "level", "type"} & set(values):
        rows.queue(conn, "put", [(item, scope.tenant, scope.agent)], ticket=ticket, at=now)
    return changed


def _history(conn: Connection, scope: Scope, item: str) -> list[MemoryItem]:
    chain = [item]
    while True:
        earlier = conn.execute(
            select(ITEMS.c.id)
            .where(rows.visible(scope), ITEMS.c.superseded_by == chain[0], ITEMS.c.id.not_in(chain))
            .limit(1)
        ).scalar()
        if earlier is None:
            break
        chain.insert(0, earlier)
    states: list[MemoryItem] = []
    now = rows.by_ids(conn, chain, rows.visible(scope))
    for each in chain:
        past = conn.execute(select(REVISIONS).where(REVISIONS.c.item == each).order_by(REVISIONS.c.revision))
        states += [rows.item_of(_State(entry.state)) for entry in past]
        states.append(rows.item_of(now[each]))
    return states


class _State:
    """A past state that reads like a row."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
