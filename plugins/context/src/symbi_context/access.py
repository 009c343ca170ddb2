"""Accesses are counted behind the reader's back: gathered in memory, written together (CTX-14)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from symbi.contracts.errors import SymbiError
from symbi.kernel.context import PluginContext
from symbi_context import rows

__all__ = ["AccessLog"]

_SECONDS = 2.0
_MANY = 500


class AccessLog:
    """Counts hits. A crash may lose the last two seconds of counts, never anything else."""

    def __init__(self, context: PluginContext, *, on: bool) -> None:
        self._context = context
        self._on = on
        self._counts: dict[str, int] = {}
        self._full = asyncio.Event()

    def note(self, items: Iterable[str]) -> None:
        """Count one access of each item."""
        if not self._on:
            return
        for item in items:
            self._counts[item] = self._counts.get(item, 0) + 1
        if len(self._counts) >= _MANY:
            self._full.set()

    async def flush(self) -> None:
        """Write what has been counted."""
        counts, self._counts = self._counts, {}
        self._full.clear()
        if counts:
            await self._context.store.write(rows.touch, counts, at=self._context.clock.now_ms())

    async def run(self) -> None:
        """Write every two seconds, or when many have come together, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._full.wait()
            except TimeoutError:
                pass
            try:
                await self.flush()
            except SymbiError as error:
                self._context.logger.warning("accesses could not be counted: %s", error)
