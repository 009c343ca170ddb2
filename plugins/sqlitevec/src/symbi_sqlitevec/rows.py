"""Writing vectors to the tables; every function runs inside one transaction of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select, update

from symbi.contracts.vectors import (
    CollectionInfo,
    EmbeddingMismatch,
    Scope,
    StoredVector,
    Vector,
    VectorRecord,
    check_vector,
)
from symbi.store.statements import upsert as store_upsert
from symbi_sqlitevec.tables import COLLECTIONS, OWNERS, VECTORS

__all__ = ["count", "drop", "ensure", "export", "info", "pack", "put", "record_of", "remove", "total"]

_BATCH = 400
_ATTRIBUTES = ("kind", "type", "session", "document", "level", "created_at")


def pack(vector: Vector) -> bytes:
    """Return the vector at length 1 as little-endian float32."""
    values = np.asarray(vector, dtype=np.float64)
    return (values / np.linalg.norm(values)).astype("<f4").tobytes()


def ensure(conn: Connection, collection: str, dimension: int, model: str, generation: str) -> CollectionInfo:
    """Make the collection, or check that it is what is asked for."""
    found = info(conn, collection)
    if found is None:
        conn.execute(
            insert(COLLECTIONS).values(name=collection, dimension=dimension, model=model, generation=generation)
        )
        return CollectionInfo(name=collection, dimension=dimension, model=model)
    if (found.dimension, found.model) != (dimension, model):
        raise EmbeddingMismatch(
            f"the collection {collection!r} holds vectors of {found.model} ({found.dimension} dimensions), not of {model} ({dimension})",
            hint="symbi memory reembed",
        )
    return found


def info(conn: Connection, collection: str) -> CollectionInfo | None:
    """Return what the collection is."""
    row = conn.execute(select(COLLECTIONS).where(COLLECTIONS.c.name == collection)).first()
    if row is None:
        return None
    return CollectionInfo(name=row.name, dimension=row.dimension, model=row.model, count=total(conn, collection))


def total(conn: Connection, collection: str) -> int:
    """Return how many vectors there are of everybody."""
    statement = select(func.count()).select_from(VECTORS).where(VECTORS.c.collection == collection)
    return int(conn.execute(statement).scalar_one())


def count(conn: Connection, collection: str, scope: Scope) -> int:
    """Return how many vectors the scope's agent owns."""
    statement = select(func.count()).select_from(VECTORS).where(*_own(collection, scope.tenant, scope.agent))
    return int(conn.execute(statement).scalar_one())


def put(conn: Connection, collection: str, tenant: str, agent: str, records: Sequence[VectorRecord]) -> None:
    """Write records of one owner; the last of equal ids counts."""
    if not records:
        return
    dimension = conn.execute(select(COLLECTIONS.c.dimension).where(COLLECTIONS.c.name == collection)).scalar_one()
    for record in records:
        check_vector(record.vector, dimension)
    seq = _bump(conn, collection, tenant, agent, deletes=0)
    owner = {"collection": collection, "tenant": tenant, "agent": agent, "seq": seq}
    unique = {record.id: record for record in records}
    rows = [
        {**owner, "id": each.id, "vector": pack(each.vector), **{name: getattr(each, name) for name in _ATTRIBUTES}}
        for each in unique.values()
    ]
    for start in range(0, len(rows), _BATCH):
        store_upsert(conn, VECTORS, rows[start : start + _BATCH], key=("collection", "tenant", "agent", "id"))


def remove(conn: Connection, collection: str, tenant: str, agent: str, ids: Sequence[str]) -> int:
    """Delete records of one owner; what they held is overwritten on disk."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON").close()
    gone = 0
    for start in range(0, len(ids), _BATCH):
        wanted = VECTORS.c.id.in_(ids[start : start + _BATCH])
        gone += conn.execute(delete(VECTORS).where(*_own(collection, tenant, agent), wanted)).rowcount
    if gone:
        _bump(conn, collection, tenant, agent, deletes=gone)
    return gone


def drop(conn: Connection, collection: str) -> None:
    """Remove a collection with everything in it."""
    for table in (VECTORS, OWNERS):
        conn.execute(delete(table).where(table.c.collection == collection))
    conn.execute(delete(COLLECTIONS).where(COLLECTIONS.c.name == collection))


def export(conn: Connection, collection: str, after: list[str], limit: int) -> list[StoredVector]:
    """Return the records after the key `[tenant, agent, id]`, in order of keys."""
    key = (VECTORS.c.tenant, VECTORS.c.agent, VECTORS.c.id)
    statement = select(VECTORS).where(VECTORS.c.collection == collection).order_by(*key).limit(limit)
    if after:
        tenant, agent, item = after
        later = (VECTORS.c.tenant > tenant) | (
            (VECTORS.c.tenant == tenant)
            & ((VECTORS.c.agent > agent) | ((VECTORS.c.agent == agent) & (VECTORS.c.id > item)))
        )
        statement = statement.where(later)
    return [StoredVector(tenant=row.tenant, agent=row.agent, record=record_of(row)) for row in conn.execute(statement)]


def record_of(row: Any) -> VectorRecord:
    """Return a row as a record."""
    vector = memoryview(row.vector).cast("f")
    return VectorRecord(id=row.id, vector=tuple(vector), **{name: getattr(row, name) for name in _ATTRIBUTES})


def _own(collection: str, tenant: str, agent: str) -> tuple[Any, Any, Any]:
    return VECTORS.c.collection == collection, VECTORS.c.tenant == tenant, VECTORS.c.agent == agent


def _bump(conn: Connection, collection: str, tenant: str, agent: str, *, deletes: int) -> int:
    """Count a write of an owner and return its number; the row is the owner's lock."""
    own = (OWNERS.c.collection == collection, OWNERS.c.tenant == tenant, OWNERS.c.agent == agent)
    changed = update(OWNERS).where(*own).values(version=OWNERS.c.version + 1, deletes=OWNERS.c.deletes + deletes)
    if conn.execute(changed).rowcount == 0:
        first = conn.execute(select(func.max(VECTORS.c.seq)).where(*_own(collection, tenant, agent))).scalar() or 0
        values = {"collection": collection, "tenant": tenant, "agent": agent, "version": first + 1, "deletes": deletes}
        conn.execute(insert(OWNERS).values(**values))
    return int(conn.execute(select(OWNERS.c.version).where(*own)).scalar_one())
