"""Declared `memory` blocks: their retention and weights, taken from agent files and brought into line with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from symbi.contracts.definitions import MemorySpec
from symbi.contracts.principal import Principal
from symbi.kernel.context import PluginContext
from symbi.store.statements import upsert
from symbi_context.tables import STORES

__all__ = ["Declarations"]

_KEPT = (
    "name",
    "agent",
    "retention",
    "retention_seconds",
    "vector_weight",
    "keyword_weight",
    "store",
    "path",
    "options",
)


class Declarations:
    """Keeps what `memory` blocks declare."""

    def __init__(self, context: PluginContext) -> None:
        self._context = context

    async def reconcile(self, source: str, declarations: Sequence[dict[str, Any]], *, owner: Principal) -> list[str]:
        """Bring the declarations of one file into line; one that is gone leaves its memories, which then keep the general retention."""
        faults: list[str] = []
        kept: list[dict[str, Any]] = []
        for each in declarations:
            weights = [each.get("vector_weight"), each.get("keyword_weight")]
            if any(weight is not None and not 0 <= float(weight) <= 1 for weight in weights):
                faults.append(f"memory {each['name']}: weights must be from 0 to 1")
                continue
            facts = {name: each.get(name) for name in _KEPT}
            kept.append(
                {
                    "key": f"{source}|{each['key']}"[:600],
                    "source": source,
                    "name": each["name"],
                    "agent": each.get("agent") or "",
                    "facts": facts,
                }
            )
        await self._context.store.write(_reconcile, source, kept)
        return faults

    async def find(self, name: str) -> MemorySpec | None:
        """Return the declaration of a store, or None where nobody declares one."""
        return await self._context.store.read(_find, name)


def _reconcile(conn: Connection, source: str, kept: list[dict[str, Any]]) -> None:
    keys = [each["key"] for each in kept]
    conn.execute(delete(STORES).where(STORES.c.source == source, STORES.c.key.not_in(keys)))
    upsert(conn, STORES, kept, key=("key",))


def _find(conn: Connection, name: str) -> MemorySpec | None:
    row = conn.execute(select(STORES).where(STORES.c.name == name).order_by(STORES.c.key).limit(1)).first()
    if row is None:
        return None
    facts = {field: value for field, value in row.facts.items() if value is not None}
    return MemorySpec(key=row.key, line=0, **facts)
