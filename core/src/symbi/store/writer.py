"""The one writer of a SQLite store: many callers' functions, one COMMIT, one fsync."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Result, event
from sqlalchemy.exc import SQLAlchemyError

from symbi.contracts.errors import CapacityExceeded, StoreError, StoreUnavailable
from symbi.store.errors import translate

__all__ = ["GroupWriter"]


class _Job:
    __slots__ = ("args", "error", "fn", "future", "kwargs", "loop", "result")

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None


class _GroupLost(Exception):
    """The transaction of the whole group is gone, not only one job's part of it."""


class GroupWriter:
    """A thread with the one writing connection, which drains a bounded queue and commits what it finds there as one transaction.

    Each function runs in its own SAVEPOINT: one that raises loses only its own changes. When the transaction itself is lost (disk full,
    a constraint that fails at COMMIT) each function of the group is run again alone, so that only the culprit fails. A caller is
    answered after COMMIT. A caller that was cancelled while its function waited is skipped.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        constraints: Callable[[], Mapping[str, str]],
        max_pending: int = 50_000,
        max_group: int = 1_000,
        max_hold: float = 0.05,
    ) -> None:
        self._engine = engine
        self._constraints = constraints
        self._max_pending = max_pending
        self._max_group = max_group
        self._max_hold = max_hold
        self._queue: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._ending = True
        self._conn: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="symbi-store-writer", daemon=True)
        event.listen(engine, "commit", self._refuse_foreign_end)
        event.listen(engine, "rollback", self._refuse_foreign_end)

    @property
    def pending(self) -> int:
        """How many functions wait for the writer."""
        return len(self._queue)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> asyncio.Future[Any]:
        """Queue a function; the future ends after the COMMIT that holds its work. Raises `CapacityExceeded` when the queue is full."""
        job = _Job(fn, args, kwargs)
        with self._wake:
            if self._closing:
                raise StoreUnavailable("the store is closed")
            if len(self._queue) >= self._max_pending:
                raise CapacityExceeded(
                    f"{self._max_pending} changes already wait for the store", hint="slow down and try again"
                )
            self._queue.append(job)
            self._wake.notify()
        return job.future

    def close(self) -> None:
        """Finish what is queued, then end the thread and its connection (blocks; call it from a worker thread)."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while group := self._take():
            try:
                self._commit(group)
            except Exception as error:  # a fault of ours must not leave callers waiting for ever
                self._drop_connection()
                self._fail(group, error)
        self._drop_connection()

    def _take(self) -> list[_Job]:
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), self._max_group))]

    def _commit(self, group: list[_Job]) -> None:
        group = [job for job in group if not job.future.cancelled()]
        if not group:
            return
        try:
            conn = self._begin()
        except Exception as error:
            self._fail(group, error)
            return
        try:
            done = self._run_group(conn, group)
            self._end(conn)
        except Exception as error:
            self._drop_connection()
            self._recover(group, error)
            return
        if len(done) < len(group):
            with self._wake:
                self._queue.extendleft(reversed(group[len(done) :]))
        self._settle(done)

    def _begin(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self._engine.connect()
        try:
            self._conn.begin()
        except Exception:
            self._drop_connection()
            raise
        self._ending = False
        return self._conn

    def _end(self, conn: Connection) -> None:
        self._ending = True
        transaction = conn.get_transaction()
        if transaction is None:
            raise _GroupLost
        transaction.commit()

    def _run_group(self, conn: Connection, group: list[_Job]) -> list[_Job]:
        raw: Any = conn.connection.driver_connection
        shared = len(group) > 1
        until = time.monotonic() + self._max_hold
        for count, job in enumerate(group, 1):
            self._run_job(conn, raw, job, shared)
            if time.monotonic() > until:
                return group[:count]
        return group

    def _run_job(self, conn: Connection, raw: Any, job: _Job, shared: bool) -> None:
        job.error = None
        if shared:
            raw.execute("SAVEPOINT symbi_job")
        try:
            job.result = job.fn(conn, *job.args, **job.kwargs)
            if isinstance(job.result, Result):
                job.result.close()  # an open cursor would hold its snapshot on the one writer
        except BaseException as error:
            job.error = error
        if (nested := conn.get_nested_transaction()) is not None:
            nested.rollback()
            job.error = job.error or StoreError("a function given to store.write left a savepoint open")
        transaction = conn.get_transaction()
        if not raw.in_transaction or transaction is None or not transaction.is_active or (job.error and not shared):
            raise _GroupLost
        if shared:
            if job.error:
                raw.execute("ROLLBACK TO symbi_job")
            raw.execute("RELEASE symbi_job")

    def _recover(self, group: list[_Job], error: Exception) -> None:
        if len(group) > 1:
            for job in group:
                self._commit([job])
            return
        job = group[0]
        if job.error is None:
            job.error = (
                StoreError("a function ended the transaction of the store") if isinstance(error, _GroupLost) else error
            )
        self._settle(group)

    def _fail(self, group: list[_Job], error: Exception) -> None:
        for job in group:
            job.error = error
        self._settle(group)

    def _settle(self, jobs: list[_Job]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in jobs:
            if isinstance(job.error, SQLAlchemyError):
                job.error = self._translated(job.error)
            by_loop.setdefault(job.loop, []).append(job)
        for loop, part in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_answer, part)

    def _translated(self, cause: SQLAlchemyError) -> BaseException:
        try:
            names = self._constraints()
        except Exception:  # a plugin's metadata that cannot be imported costs only the name of the constraint
            names = {}
        error = translate(cause, names)
        error.__cause__ = cause
        return error

    def _drop_connection(self) -> None:
        self._ending = True
        if self._conn is not None:
            with contextlib.suppress(Exception):
                self._conn.invalidate()
            with contextlib.suppress(Exception):
                self._conn.close()
            self._conn = None

    def _refuse_foreign_end(self, conn: Connection) -> None:
        if not self._ending:
            raise StoreError(
                "a function given to store.write must not commit or roll back: its return commits, an exception rolls back"
            )


def _answer(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
