"""Retention: what nobody has used for long is archived, can be searched and restored, and is erased after twice that time (CTX-22)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, select, update

from symbi.contracts.context import Forget, MemoryItem
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import Scope
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.config import ContextConfig
from symbi_context.erasure import Erasure
from symbi_context.memories import unknown_item
from symbi_context.tables import ITEMS, STORES

__all__ = ["Retention", "RetentionReport"]

_DAY_MS = 86_400_000.0
_KEEPER = Principal(id="system:context", kind="system", admin=True, display_name="retention")


class RetentionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What retention did, or would do with `dry_run`."""

    dry_run: bool
    archived: int
    erased: int


class Retention:
    """Applies retention to everybody's memories and lines, or to one agent's."""

    def __init__(self, config: ContextConfig, context: PluginContext, erasure: Erasure) -> None:
        self._config = config
        self._context = context
        self._erasure = erasure
        self.last: RetentionReport | None = None

    async def apply(self, *, scope: Scope | None = None, dry_run: bool = False) -> RetentionReport:
        """Archive and erase what is due; with `dry_run` only count."""
        now = self._context.clock.now_ms()
        stores = await self._context.store.read(_stores)
        due = await self._context.store.read(self._due_for_erasure, scope, stores, now)
        if dry_run:
            archived = await self._context.store.read(self._count, scope, stores, now)
            return RetentionReport(dry_run=True, archived=archived, erased=sum(map(len, due.values())))
        archived = await self._context.store.write(self._archive, scope, stores, now)
        for (tenant, agent), ids in due.items():
            await self._erasure.forget(Scope(tenant=tenant, agent=agent), Forget(ids=tuple(ids)), principal=_KEEPER)
        self.last = RetentionReport(dry_run=False, archived=archived, erased=sum(map(len, due.values())))
        return self.last

    async def restore(self, scope: Scope, item: str) -> MemoryItem:
        """Bring an archived item back; it counts as used now."""
        return await self._context.store.write(_restore, scope, item, self._context.clock.now_ms())

    async def run(self) -> None:
        """Apply retention from time to time, until cancelled."""
        while True:
            await self._context.clock.sleep(self._config.archive_interval_hours * 3600)
            await self.apply()
            await asyncio.sleep(0)

    def _cutoff(self, stores: Mapping[str, float], now: int, *, times: float) -> ColumnElement[bool]:
        """Return the condition of what was neither made nor used within its retention, times a factor; pinned things never."""
        last = case((ITEMS.c.accessed_at > ITEMS.c.created_at, ITEMS.c.accessed_at), else_=ITEMS.c.created_at)
        days = case(
            *[(and_(ITEMS.c.kind == "memory", ITEMS.c.store == name), kept) for name, kept in stores.items()],
            (ITEMS.c.kind == "line", self._config.session_days),
            else_=self._config.memory_days,
        )
        return and_(
            ITEMS.c.kind.in_(("memory", "line")), ITEMS.c.pinned.is_(False), last < now - days * times * _DAY_MS
        )

    def _of(self, scope: Scope | None) -> tuple[ColumnElement[bool], ...]:
        return () if scope is None else (rows.own(scope),)

    def _count(self, conn: Connection, scope: Scope | None, stores: Mapping[str, float], now: int) -> int:
        due = (ITEMS.c.archived_at.is_(None), self._cutoff(stores, now, times=1), *self._of(scope))
        return int(conn.execute(select(func.count()).select_from(ITEMS).where(*due)).scalar_one())

    def _archive(self, conn: Connection, scope: Scope | None, stores: Mapping[str, float], now: int) -> int:
        due = (ITEMS.c.archived_at.is_(None), self._cutoff(stores, now, times=1), *self._of(scope))
        return conn.execute(update(ITEMS).where(*due).values(archived_at=now)).rowcount

    def _due_for_erasure(
        self, conn: Connection, scope: Scope | None, stores: Mapping[str, float], now: int
    ) -> dict[tuple[str, str], list[str]]:
        due = (ITEMS.c.archived_at.is_not(None), self._cutoff(stores, now, times=2), *self._of(scope))
        found: dict[tuple[str, str], list[str]] = {}
        for row in conn.execute(select(ITEMS.c.tenant, ITEMS.c.agent, ITEMS.c.id).where(*due)):
            found.setdefault((row.tenant, row.agent), []).append(row.id)
        return found


def _stores(conn: Connection) -> dict[str, float]:
    """Return the retention of declared memory blocks in days, the longest where a name is declared twice."""
    found: dict[str, float] = {}
    for row in conn.execute(select(STORES.c.name, STORES.c.facts)):
        facts: dict[str, Any] = row.facts
        days = float(facts.get("retention_seconds") or 0) / 86_400
        if days > 0:
            found[row.name] = max(found.get(row.name, 0.0), days)
    return found


def _restore(conn: Connection, scope: Scope, item: str, now: int) -> MemoryItem:
    archived = (rows.own(scope), ITEMS.c.id == item, ITEMS.c.archived_at.is_not(None))
    if conn.execute(update(ITEMS).where(*archived).values(archived_at=None, accessed_at=now)).rowcount == 0:
        raise unknown_item(item)
    return rows.item_of(rows.by_ids(conn, [item])[item])
