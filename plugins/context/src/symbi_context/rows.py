"""Between rows and items; what a scope may see as a condition. Every function runs inside one transaction of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, false, insert, or_, select, update

from symbi.contracts.context import MemoryItem
from symbi.contracts.vectors import LEVELS, Scope, VectorRecord, level_rank
from symbi.store.statements import upsert
from symbi_context.tables import ITEMS, OUTBOX, REVISIONS
from symbi_context.texts import digest_of, scope_key

__all__ = [
    "add",
    "by_ids",
    "clear",
    "current",
    "embedded_text",
    "item_of",
    "keep_state",
    "own",
    "owned_by",
    "queue",
    "record_of",
    "touch",
    "values_of",
    "visible",
]

_BATCH = 400


def item_of(row: Any) -> MemoryItem:
    """Return a row as an item."""
    data = dict(row.data)
    if row.kind == "chunk":
        data.update(start=row.char_start, end=row.char_end, ordinal=row.ordinal)
    return MemoryItem(
        id=row.id, kind=row.kind, agent=row.agent, text=row.text, type=row.type, importance=row.importance,
        level=LEVELS[row.level], created_at=row.created_at, accessed_at=row.accessed_at, access_count=row.access_count,
        session=row.session, store=row.store, document=row.document, data=data, metadata=row.metadata, pinned=bool(row.pinned),
        source=row.source, valid_from=row.valid_from, valid_to=row.valid_to, superseded_by=row.superseded_by,
        archived_at=row.archived_at, revision=row.revision,
    )  # fmt: skip


def values_of(item: MemoryItem, *, tenant: str, start: int = 0, end: int = 0, ordinal: int = 0) -> dict[str, Any]:
    """Return an item as the values of a row."""
    data = {
        name: value
        for name, value in item.data.items()
        if item.kind != "chunk" or name not in ("start", "end", "ordinal")
    }
    return {
        "id": item.id, "tenant": tenant, "agent": item.agent, "scope_key": scope_key(tenant, item.agent), "kind": item.kind,
        "type": item.type, "store": item.store, "session": item.session, "document": item.document, "ordinal": ordinal,
        "char_start": start, "char_end": end, "text": item.text, "digest": digest_of(item.text), "data": data,
        "metadata": item.metadata, "importance": item.importance, "level": level_rank(item.level), "pinned": item.pinned,
        "source": item.source, "subject": str(data.get("subject", ""))[:400], "predicate": str(data.get("predicate", ""))[:200],
        "valid_from": item.valid_from, "valid_to": item.valid_to, "superseded_by": item.superseded_by,
        "created_at": item.created_at, "accessed_at": item.accessed_at, "access_count": item.access_count,
        "archived_at": item.archived_at, "revision": item.revision,
    }  # fmt: skip


def record_of(row: Any, vector: Any) -> VectorRecord:
    """Return what the vector backend keeps of a row."""
    return VectorRecord(
        id=row.id, vector=vector, kind=row.kind, type=row.type, session=row.session, document=row.document,
        level=row.level, created_at=row.created_at,
    )  # fmt: skip


def embedded_text(row: Any) -> str:
    """Return what is embedded of a row: a chunk with its document's title, which says what it is about."""
    title = row.data.get("title", "") if row.kind == "chunk" else ""
    return f"{title}\n{row.text}" if title else str(row.text)


def visible(scope: Scope) -> ColumnElement[bool]:
    """Return the condition of what the scope may see."""
    owners: list[ColumnElement[bool]] = [ITEMS.c.agent == scope.agent]
    for grant in scope.grants:
        parts: list[ColumnElement[bool]] = [ITEMS.c.agent == grant.agent, ITEMS.c.level <= grant.level]
        if grant.ids is not None:
            parts.append(ITEMS.c.id.in_(grant.ids) if grant.ids else false())
        owners.append(and_(*parts))
    conditions = [ITEMS.c.tenant == scope.tenant, or_(*owners)]
    if scope.session is not None:
        conditions.append(ITEMS.c.session.in_(("", scope.session)))
    return and_(*conditions)


def own(scope: Scope) -> ColumnElement[bool]:
    """Return the condition of what the scope's agent owns."""
    return owned_by(scope.tenant, scope.agent)


def owned_by(tenant: str, agent: str) -> ColumnElement[bool]:
    """Return the condition of what an agent owns."""
    return and_(ITEMS.c.tenant == tenant, ITEMS.c.agent == agent)


def current(at: int) -> ColumnElement[bool]:
    """Return the condition of what was true at a time (CTX-20)."""
    return and_(
        or_(ITEMS.c.valid_from.is_(None), ITEMS.c.valid_from <= at),
        or_(ITEMS.c.valid_to.is_(None), ITEMS.c.valid_to > at),
    )


def add(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; the full-text index follows by itself."""
    for start in range(0, len(rows), _BATCH):
        conn.execute(insert(ITEMS), list(rows[start : start + _BATCH]))


def by_ids(conn: Connection, ids: Sequence[str], *conditions: ColumnElement[bool]) -> dict[str, Any]:
    """Return rows by id, those that fulfil the conditions."""
    found: dict[str, Any] = {}
    for start in range(0, len(ids), _BATCH):
        wanted = ITEMS.c.id.in_(ids[start : start + _BATCH])
        found.update({row.id: row for row in conn.execute(select(ITEMS).where(wanted, *conditions))})
    return found


def keep_state(conn: Connection, row: Any, *, at: int) -> None:
    """Write down what an item was before it changes."""
    state = {name: value for name, value in row._mapping.items() if name not in ("seq", "scope_key", "digest")}
    conn.execute(insert(REVISIONS).values(item=row.id, revision=row.revision, state=state, replaced_at=at))


def queue(conn: Connection, op: str, items: Iterable[tuple[str, str, str]], *, ticket: str, at: int) -> None:
    """Note that the vector backend has yet to hear of these `(id, tenant, agent)`."""
    entries = [
        {"item": item, "tenant": tenant, "agent": agent, "op": op, "ticket": ticket, "queued_at": at}
        for item, tenant, agent in items
    ]
    for start in range(0, len(entries), _BATCH):
        upsert(conn, OUTBOX, entries[start : start + _BATCH], key=("item",))


def clear(conn: Connection, done: Sequence[tuple[str, str]]) -> None:
    """Take `(item, ticket)` out of the outbox; what has changed since stays."""
    for item, ticket in done:
        conn.execute(delete(OUTBOX).where(OUTBOX.c.item == item, OUTBOX.c.ticket == ticket))


def touch(conn: Connection, counts: dict[str, int], *, at: int) -> None:
    """Count accesses."""
    for item, count in counts.items():
        conn.execute(
            update(ITEMS).where(ITEMS.c.id == item).values(access_count=ITEMS.c.access_count + count, accessed_at=at)
        )
