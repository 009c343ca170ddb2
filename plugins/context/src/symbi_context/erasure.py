"""Erasure with proof: rows, history, index, vectors, archive; then the files are checked (CTX-23)."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, update

from symbi.contracts.audit import AuditLog
from symbi.contracts.context import ErasureProof, Forget
from symbi.contracts.errors import InvalidRequest, SymbiError
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import Scope, VectorStore
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.tables import BLOCKS, DOCUMENTS, GRANTS, ITEMS, OUTBOX, REVISIONS, SESSIONS
from symbi_context.vectors import Vectors

__all__ = ["Erasure"]

_BATCH = 400


class Erasure:
    """Forgets for good what an agent owns."""

    def __init__(self, context: PluginContext, vectors: Vectors) -> None:
        self._context = context
        self._vectors = vectors

    async def forget(self, scope: Scope, what: Forget, *, principal: Principal) -> ErasureProof:
        """Erase, check, and write the proof to the audit log; nothing that was chosen is nothing erased."""
        if not (what.ids or what.subject or what.session or what.document or what.everything):
            raise InvalidRequest("nothing is named that should be forgotten", details={"field": "ids"})
        now, ticket = self._context.clock.now_ms(), self._context.ids.uuid()
        ids, removed = await self._context.store.write(self._erase, scope, what, now, ticket)
        digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
        checks = await self._checks(scope, ids, removed)
        proof = ErasureProof(
            erased=len(ids), ids=tuple(sorted(ids)), removed=removed, checks=checks, digest=digest, at=now
        )
        log = self._context.services.maybe(AuditLog)
        if log is not None:
            details = {"count": len(ids), "digest": digest, "removed": removed, "checks": checks}
            outcome = "done" if proof.complete else "incomplete"
            await log.append(
                "memory.forgotten",
                principal=principal,
                subject=f"{scope.tenant}:{scope.agent}",
                outcome=outcome,
                details=details,
            )
        return proof

    async def _checks(self, scope: Scope, ids: Sequence[str], removed: dict[str, int]) -> dict[str, bool]:
        checks = {"rows": not await self._context.store.read(rows.by_ids, list(ids), rows.own(scope))}
        checks["vectors"] = await self._forget_vectors(scope, ids, removed)
        path = self._context.store.url.path
        if path is not None:
            await self._context.store.write(_merge_index)
            checks["files"] = await asyncio.to_thread(_checkpoint, str(path))
        return checks

    async def _forget_vectors(self, scope: Scope, ids: Sequence[str], removed: dict[str, int]) -> bool:
        """Remove the vectors; where the backend cannot be reached they stay queued for removal, and the proof says that it is not complete."""
        if not self._vectors.backend:
            return True
        try:
            store: VectorStore = await self._vectors.store()
            if await store.info(self._vectors.collection) is not None:
                found = 0
                for start in range(0, len(ids), _BATCH):
                    found += await store.delete(self._vectors.collection, ids[start : start + _BATCH], scope=scope)
                removed["vectors"] = found
                await store.optimize(self._vectors.collection, erase=True)
                left = await store.get(self._vectors.collection, list(ids)[:_BATCH], scope=scope)
                if left:
                    return False
            await self._context.store.write(_settled, list(ids))
        except SymbiError as error:
            self._context.logger.warning("vectors of forgotten items wait for their removal: %s", error)
            self._vectors.nudge()
            return False
        return True

    def _erase(
        self, conn: Connection, scope: Scope, what: Forget, now: int, ticket: str
    ) -> tuple[list[str], dict[str, int]]:
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA secure_delete=ON").close()
        ids = self._chosen(conn, scope, what)
        removed = {"items": 0, "revisions": 0, "documents": 0, "grants": 0, "sessions": 0, "blocks": 0}
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            removed["revisions"] += conn.execute(delete(REVISIONS).where(REVISIONS.c.item.in_(part))).rowcount
            removed["items"] += conn.execute(delete(ITEMS).where(rows.own(scope), ITEMS.c.id.in_(part))).rowcount
            conn.execute(
                update(ITEMS).where(rows.own(scope), ITEMS.c.superseded_by.in_(part)).values(superseded_by=None)
            )
        if what.document:
            removed["documents"] += conn.execute(
                delete(DOCUMENTS).where(*_owned(scope, DOCUMENTS), DOCUMENTS.c.id == what.document)
            ).rowcount
        if what.session:
            removed["sessions"] += conn.execute(
                delete(SESSIONS).where(*_owned(scope, SESSIONS), SESSIONS.c.id == what.session)
            ).rowcount
        if what.everything:
            for name, table in (("documents", DOCUMENTS), ("sessions", SESSIONS), ("blocks", BLOCKS)):
                removed[name] += conn.execute(delete(table).where(*_owned(scope, table))).rowcount
            mine = (
                GRANTS.c.tenant == scope.tenant,
                or_(GRANTS.c.owner == scope.agent, GRANTS.c.recipient == scope.agent),
            )
            removed["grants"] += conn.execute(delete(GRANTS).where(*mine)).rowcount
        if self._vectors.backend:
            rows.queue(conn, "drop", [(item, scope.tenant, scope.agent) for item in ids], ticket=ticket, at=now)
        else:
            _settled(conn, ids)
        return ids, removed

    def _chosen(self, conn: Connection, scope: Scope, what: Forget) -> list[str]:
        """Return the ids of what is meant, with what a chosen memory has superseded: an old state is no way round."""
        chosen: list[ColumnElement[bool]] = []
        if what.everything:
            chosen.append(ITEMS.c.id.is_not(None))
        if what.ids:
            chosen.append(ITEMS.c.id.in_(what.ids))
        if what.subject:
            chosen.append(func.lower(ITEMS.c.subject) == what.subject.lower())
        if what.session:
            chosen.append(ITEMS.c.session == what.session)
        if what.document:
            chosen.append(ITEMS.c.document == what.document)
        found = list(conn.execute(select(ITEMS.c.id).where(rows.own(scope), or_(*chosen))).scalars())
        known = set(found)
        fresh = found
        while fresh:
            statement = select(ITEMS.c.id).where(rows.own(scope), ITEMS.c.superseded_by.in_(fresh[:_BATCH]))
            older = [item for item in conn.execute(statement).scalars() if item not in known]
            fresh = [*fresh[_BATCH:], *older]
            known.update(older)
        return sorted(known)


def _owned(scope: Scope, table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.tenant == scope.tenant, table.c.agent == scope.agent


def _settled(conn: Connection, ids: Sequence[Any]) -> None:
    for start in range(0, len(ids), _BATCH):
        conn.execute(delete(OUTBOX).where(OUTBOX.c.item.in_(ids[start : start + _BATCH])))


def _merge_index(conn: Connection) -> None:
    """Write the full-text index anew as one segment: deleted words stay in older ones until then."""
    conn.exec_driver_sql("INSERT INTO context_fts(context_fts) VALUES ('optimize')").close()


def _checkpoint(path: str) -> bool:
    """Bring the write-ahead log into the file and empty it; False where a reader was in the way."""
    with closing(sqlite3.connect(path, timeout=10.0)) as conn:
        busy, _, _ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
