"""Blocks: labelled texts of bounded length that are always in the prompt, edited by compare and swap (CTX-25)."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from symbi.contracts.context import Block, MemoryNotFound
from symbi.contracts.errors import CapacityExceeded, Conflict, InvalidRequest
from symbi.contracts.vectors import Scope
from symbi.kernel.context import PluginContext
from symbi_context.config import ContextConfig
from symbi_context.tables import BLOCKS

__all__ = ["Blocks"]

_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Blocks:
    """Keeps the blocks of agents."""

    def __init__(self, config: ContextConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context

    async def list(self, scope: Scope) -> list[Block]:
        """Return the agent's blocks by label."""
        return await self._context.store.read(_list, scope)

    async def set(self, scope: Scope, label: str, text: str, *, expected: int | None, limit: int | None) -> Block:
        """Write a block; `expected` is the version that it must have, 0 for a new one."""
        if not _LABEL.fullmatch(label):
            raise InvalidRequest("a label has 1 to 64 letters, digits, _ . -", details={"field": "label"})
        if limit is not None and not 1 <= limit <= 100_000:
            raise InvalidRequest("limit must be from 1 to 100000", details={"field": "limit"})
        return await self._context.store.write(
            self._set, scope, label, text.replace("\0", "\ufffd"), expected, limit, self._context.clock.now_ms()
        )

    async def remove(self, scope: Scope, label: str) -> None:
        """Remove a block; raises `MemoryNotFound`."""
        if not await self._context.store.write(_remove, scope, label):
            raise MemoryNotFound(f"there is no block {label!r}")

    def _set(
        self, conn: Connection, scope: Scope, label: str, text: str, expected: int | None, limit: int | None, now: int
    ) -> Block:
        row = conn.execute(select(BLOCKS).where(*_one(scope, label))).first()
        version = row.version if row else 0
        if expected is not None and expected != version:
            raise Conflict(
                f"the block {label!r} is at version {version}, not {expected}",
                hint="read it again and apply the change to what is there now",
                details={"version": version, "text": row.text if row else ""},
            )
        most = limit or (row.characters if row else self._config.block_characters)
        if len(text) > most:
            raise InvalidRequest(
                f"the block {label!r} may have {most} characters, not {len(text)}",
                hint="shorten it, or move some of it to a memory",
                details={"field": "text", "limit": most},
            )
        values = {"text": text, "characters": most, "version": version + 1, "updated_at": now}
        if row is not None:
            conn.execute(update(BLOCKS).where(*_one(scope, label)).values(**values))
        else:
            count = conn.execute(
                select(func.count())
                .select_from(BLOCKS)
                .where(BLOCKS.c.tenant == scope.tenant, BLOCKS.c.agent == scope.agent)
            ).scalar_one()
            if count >= self._config.max_blocks:
                raise CapacityExceeded(f"an agent may have {self._config.max_blocks} blocks", hint="remove one")
            conn.execute(insert(BLOCKS).values(tenant=scope.tenant, agent=scope.agent, label=label, **values))
        return Block(label=label, text=text, limit=most, version=version + 1, updated_at=now)


def _one(scope: Scope, label: str) -> tuple[Any, ...]:
    return BLOCKS.c.tenant == scope.tenant, BLOCKS.c.agent == scope.agent, BLOCKS.c.label == label


def _list(conn: Connection, scope: Scope) -> list[Block]:
    statement = (
        select(BLOCKS).where(BLOCKS.c.tenant == scope.tenant, BLOCKS.c.agent == scope.agent).order_by(BLOCKS.c.label)
    )
    return [
        Block(label=row.label, text=row.text, limit=row.characters, version=row.version, updated_at=row.updated_at)
        for row in conn.execute(statement)
    ]


def _remove(conn: Connection, scope: Scope, label: str) -> bool:
    return conn.execute(delete(BLOCKS).where(*_one(scope, label))).rowcount == 1
