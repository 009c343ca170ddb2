"""Schedules that definitions declare: brought into line with their blocks, never made twice (R-DECL)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from symbi.contracts.errors import Conflict, SymbiError
from symbi.contracts.principal import Principal
from symbi.kernel.context import PluginContext
from symbi_scheduler import changes
from symbi_scheduler.blocks import request_from
from symbi_scheduler.editing import Editor
from symbi_scheduler.tables import SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Declarations"]

_S = SCHEDULES.c


class Declarations:
    """Reconciles one file at a time: same block untouched, edited block keeps its id and history, missing block archived."""

    def __init__(self, context: PluginContext, editor: Editor, keeper: Timekeeper) -> None:
        self._context = context
        self._editor = editor
        self._keeper = keeper

    async def reconcile(self, source: str, declarations: Sequence[dict[str, Any]], *, owner: Principal) -> list[str]:
        """Store what the blocks say; return one sentence for each block at fault. A faulty block leaves what was stored as it is."""
        stored: dict[str, Row[Any]] = {row.key: row for row in await self._context.store.read(_of_source, source)}
        faults = []
        for block in declarations:
            key, digest = str(block["key"]), _digest(block)
            known = stored.pop(key, None)
            if known is not None and known.digest == digest:
                continue
            try:
                await self._put(known, block, {"key": key, "source": source, "digest": digest}, owner)
            except SymbiError as error:
                faults.append(f"schedule {block.get('name', key)!r} (line {block.get('line', '?')}): {error}")
        for gone in stored.values():
            await self._context.store.write(
                changes.archive, gone.id, self._keeper.now(), "its block was removed from the definition"
            )
        return faults

    async def _put(
        self, known: Row[Any] | None, block: dict[str, Any], declared: dict[str, Any], owner: Principal
    ) -> None:
        request = request_from(block)
        if known is not None:
            await self._editor.replace(known, request, principal=owner, declared=declared)
            return
        try:
            await self._editor.create(request, principal=owner, declared=declared)
        except Conflict:
            again = await self._context.store.read(_of_key, declared["key"])
            if again is None:
                raise  # not the race of two nodes that read the same file
            await self._context.store.write(_adopt, again.id, declared["source"])


def _digest(block: dict[str, Any]) -> str:
    facts = {name: value for name, value in block.items() if name != "line"}
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def _of_source(conn: Connection, source: str) -> list[Row[Any]]:
    return list(
        conn.execute(select(SCHEDULES).where(_S.source == source, _S.state != "archived", _S.key.is_not(None))).all()
    )


def _of_key(conn: Connection, key: str) -> Row[Any] | None:
    return conn.execute(select(SCHEDULES).where(_S.key == key, _S.state != "archived")).one_or_none()


def _adopt(conn: Connection, schedule_id: str, source: str) -> None:
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(source=source))
