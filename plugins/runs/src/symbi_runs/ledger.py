"""Writes of runs, grouped: whatever comes while one transaction is under way goes into the next one together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import SymbiError
from symbi_runs.statements import Change, NewRun, apply_changes, insert_runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from symbi.store import Store

__all__ = ["Ledger"]

_Item = tuple[NewRun | Change, asyncio.Future[Any]]
MOST = 500
_log = logging.getLogger("symbi.runs")


class Ledger:
    """Takes new runs and changes; each caller gets its answer once its own is durable."""

    def __init__(self, store: Store, *, written: Callable[[str], None]) -> None:
        self._store = store
        self._written = written
        self._waiting: list[_Item] = []
        self._worker: asyncio.Task[None] | None = None

    def insert(self, run: NewRun) -> asyncio.Future[tuple[str, str]]:
        """Store a new run; the answer is the run's id and fingerprint, those of an earlier one where its key was used before."""
        return self._put(run)

    def change(self, change: Change) -> asyncio.Future[bool]:
        """Apply a change; the answer is False where the run has been fenced off from this claim."""
        return self._put(change)

    async def settled(self) -> None:
        """Return once everything that was handed in is written, or has failed."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    def _put(self, item: NewRun | Change) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work(), name="runs: ledger")
        return future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._write(batch)
        finally:
            self._worker = None

    async def _write(self, batch: Sequence[_Item]) -> None:
        try:
            answers = await self._store.write(_apply, [item for item, _ in batch])
        except SymbiError as error:
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            # One bad item must not take the others with it.
            for each in batch:
                await self._write([each])
            return
        except Exception as error:
            _log.exception("a write of runs failed")
            for _, future in batch:
                _fail(future, error)
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        for (item, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
            self._written(item.run_id if isinstance(item, Change) else item.record.id)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
        # Nobody may be waiting for a lossy entry; its loss is not worth a traceback.
        future.exception()


def _apply(conn: Connection, items: Sequence[NewRun | Change]) -> list[Any]:
    fresh = [item for item in items if isinstance(item, NewRun)]
    changes = [item for item in items if isinstance(item, Change)]
    inserted = iter(insert_runs(conn, fresh) if fresh else ())
    changed = iter(apply_changes(conn, changes) if changes else ())
    return [next(inserted) if isinstance(item, NewRun) else next(changed) for item in items]
