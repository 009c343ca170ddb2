"""The built-in backend: vectors as rows of the record store, searched exactly, an owner at a time."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, select

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.health import Health, healthy
from symbi.contracts.vectors import (
    CollectionInfo,
    Filters,
    Grant,
    Scope,
    StoredVector,
    Vector,
    VectorHit,
    VectorRecord,
    VectorStore,
    check_filters,
    check_vector,
)
from symbi.kernel.context import PluginContext
from symbi_sqlitevec import rows
from symbi_sqlitevec.config import SqlitevecConfig
from symbi_sqlitevec.partition import Partition
from symbi_sqlitevec.tables import COLLECTIONS, OWNERS, VECTORS

__all__ = ["SqliteVectors", "open_vectors"]

Owner = tuple[str, str, str]
_LIVE = ("id", "kind", "type", "session", "document", "level", "created_at", "vector")


class SqliteVectors(VectorStore):
    """Keeps vectors in the record store; the owners searched last stay in memory, true to the last committed write."""

    def __init__(self, config: SqlitevecConfig, context: PluginContext) -> None:
        self._store = context.store
        self._ids = context.ids
        self._limit = config.cache_bytes
        self._kept: OrderedDict[Owner, Partition] = OrderedDict()
        self._lock = threading.Lock()

    async def ensure(self, collection: str, *, dimension: int, model: str) -> CollectionInfo:
        found = await self._store.read(rows.info, collection)
        if found is not None and (found.dimension, found.model) == (dimension, model):
            return found
        return await self._store.write(rows.ensure, collection, dimension, model, self._ids.uuid())

    async def info(self, collection: str) -> CollectionInfo | None:
        return await self._store.read(rows.info, collection)

    async def upsert(self, collection: str, records: Sequence[VectorRecord], *, scope: Scope) -> None:
        await self._store.write(self.upsert_in, collection, records, scope=scope)

    def upsert_in(self, conn: Any, collection: str, records: Sequence[VectorRecord], *, scope: Scope) -> None:
        """Write records in a transaction of the caller's."""
        rows.put(conn, collection, scope.tenant, scope.agent, records)

    def delete_in(self, conn: Any, collection: str, ids: Sequence[str], *, scope: Scope) -> int:
        """Remove records in a transaction of the caller's."""
        return rows.remove(conn, collection, scope.tenant, scope.agent, ids)

    async def search(
        self,
        collection: str,
        vector: Vector,
        *,
        scope: Scope,
        limit: int,
        filters: Filters | None = None,
        minimum: float = -1.0,
    ) -> list[VectorHit]:
        wanted = check_filters(filters)
        return await self._store.read(self._search, collection, vector, scope, limit, wanted, minimum)

    async def get(self, collection: str, ids: Sequence[str], *, scope: Scope) -> list[VectorRecord]:
        return await self._store.read(_get, collection, tuple(ids), scope)

    async def delete(self, collection: str, ids: Sequence[str], *, scope: Scope) -> int:
        return await self._store.write(self.delete_in, collection, ids, scope=scope)

    async def count(self, collection: str, *, scope: Scope) -> int:
        return await self._store.read(rows.count, collection, scope)

    async def total(self, collection: str) -> int:
        return await self._store.read(rows.total, collection)

    async def export(self, collection: str, *, after: str = "", limit: int = 1000) -> tuple[list[StoredVector], str]:
        key = msgspec.json.decode(after, type=list[str]) if after else []
        page = await self._store.read(rows.export, collection, key, limit)
        if len(page) < limit:
            return page, ""
        last = page[-1]
        return page, msgspec.json.encode([last.tenant, last.agent, last.record.id]).decode()

    async def restore(self, collection: str, records: Sequence[StoredVector]) -> None:
        owners: dict[tuple[str, str], list[VectorRecord]] = {}
        for each in records:
            owners.setdefault((each.tenant, each.agent), []).append(each.record)
        for (tenant, agent), found in owners.items():
            await self._store.write(rows.put, collection, tenant, agent, found)

    async def drop(self, collection: str) -> None:
        await self._store.write(rows.drop, collection)
        with self._lock:
            for owner in [owner for owner in self._kept if owner[0] == collection]:
                del self._kept[owner]

    async def optimize(self, collection: str, *, erase: bool = False) -> None:
        path = self._store.url.path
        if erase and path is not None:
            await asyncio.to_thread(_checkpoint, str(path))

    async def health(self) -> Health:
        """Say what is kept in memory; whether the store answers, the store says itself."""
        with self._lock:
            return healthy(owners_in_memory=len(self._kept), cache_bytes=sum(each.size for each in self._kept.values()))

    def _search(
        self,
        conn: Connection,
        collection: str,
        vector: Vector,
        scope: Scope,
        limit: int,
        filters: dict[str, Any],
        minimum: float,
    ) -> list[VectorHit]:
        made = conn.execute(
            select(COLLECTIONS.c.dimension, COLLECTIONS.c.generation).where(COLLECTIONS.c.name == collection)
        ).first()
        if made is None:
            return []
        dimension = int(made.dimension)
        if len(vector) != dimension:
            check_vector(vector, dimension)
        query = np.frombuffer(rows.pack(vector), dtype="<f4")
        if not np.isfinite(query).all():
            raise InvalidRequest("a vector must have finite numbers that are not all zero", code="VECTOR_INVALID")
        hits: dict[tuple[str, str], float] = {}
        with self._lock:
            for agent, grant in _readable(scope, filters):
                part = self._partition(conn, (collection, scope.tenant, agent), dimension, made.generation)
                passed = part.search(
                    query, limit=limit, minimum=minimum, filters=filters, session=scope.session, grant=grant
                )
                hits.update({(agent, item): score for item, score in passed})
        best = sorted(hits.items(), key=lambda each: -each[1])[: max(limit, 0)]
        return [VectorHit(id=item, agent=agent, similarity=score) for (agent, item), score in best]

    def _partition(self, conn: Connection, owner: Owner, dimension: int, generation: str) -> Partition:
        """Return the owner's vectors as they are in this transaction's snapshot."""
        collection, tenant, agent = owner
        state = conn.execute(
            select(OWNERS.c.version, OWNERS.c.deletes).where(
                OWNERS.c.collection == collection, OWNERS.c.tenant == tenant, OWNERS.c.agent == agent
            )
        ).first()
        part = self._kept.pop(owner, None)
        if state is None:
            return Partition(dimension, generation)
        if part is None or part.generation != generation or part.version > state.version:
            part = Partition(dimension, generation)
        own = (VECTORS.c.collection == collection, VECTORS.c.tenant == tenant, VECTORS.c.agent == agent)
        if part.version != state.version:
            columns = [VECTORS.c[name] for name in _LIVE]
            part.take(conn.execute(select(*columns).where(*own, VECTORS.c.seq > part.version).order_by(VECTORS.c.seq)))
        if part.deletes != state.deletes and part.version:
            part.keep(set(conn.execute(select(VECTORS.c.id).where(*own)).scalars()))
        part.version, part.deletes = state.version, state.deletes
        self._kept[owner] = part
        while len(self._kept) > 1 and sum(each.size for each in self._kept.values()) > self._limit:
            self._kept.popitem(last=False)
        return part


@asynccontextmanager
async def open_vectors(config: SqlitevecConfig, context: PluginContext) -> AsyncIterator[SqliteVectors]:
    """Open the backend over the record store."""
    yield SqliteVectors(config, context)


def _readable(scope: Scope, filters: dict[str, Any]) -> list[tuple[str, Grant | None]]:
    """Return whose vectors may be looked through, and by which grant; filters on owners only take away."""
    if scope.tenant not in filters.get("tenant", (scope.tenant,)):
        return []
    every: list[tuple[str, Grant | None]] = [(scope.agent, None)]
    every += [(grant.agent, grant) for grant in scope.grants if grant.agent != scope.agent]
    return [(agent, grant) for agent, grant in every if agent in filters.get("agent", (agent,))]


def _get(conn: Connection, collection: str, ids: tuple[str, ...], scope: Scope) -> list[VectorRecord]:
    found: dict[tuple[str, str], VectorRecord] = {}
    for agent, grant in _readable(scope, {}):
        statement = select(VECTORS).where(
            VECTORS.c.collection == collection, VECTORS.c.tenant == scope.tenant, VECTORS.c.agent == agent
        )
        for start in range(0, len(ids), 400):
            for row in conn.execute(statement.where(VECTORS.c.id.in_(ids[start : start + 400]))):
                hidden = grant is not None and (
                    row.level > grant.level or (grant.ids is not None and row.id not in grant.ids)
                )
                if not hidden and (scope.session is None or row.session in ("", scope.session)):
                    found[agent, row.id] = rows.record_of(row)
    return list(found.values())


def _checkpoint(path: str) -> None:
    """Empty the write-ahead log, which still holds pages as they were."""
    with closing(sqlite3.connect(path, timeout=10.0)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
