"""The store on PostgreSQL: serializable transactions on a pool of connections, retried when the server asks for it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Result, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from symbi.contracts.errors import CapacityExceeded, StoreUnavailable
from symbi.store.errors import is_retryable, translate
from symbi.store.url import StoreUrl

__all__ = ["PostgresBackend"]

T = TypeVar("T")

ATTEMPTS = 12
MOST_PENDING = 50_000


class PostgresBackend:
    """A pool of connections to one PostgreSQL database; any number of runtimes may share it."""

    dialect = "postgresql"

    def __init__(
        self, url: StoreUrl, *, readers: int, writers: int, constraints: Callable[[], Mapping[str, str]]
    ) -> None:
        self._url = url
        self._constraints = constraints
        self._pending = 0
        self._engine = create_engine(
            url.driver_url,
            pool_size=readers + writers,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=30,
            connect_args={"connect_timeout": 10, "application_name": "symbi"},
        )
        self._serial = self._engine.execution_options(isolation_level="SERIALIZABLE")
        self._committed = self._engine.execution_options(isolation_level="READ COMMITTED")
        self._snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="symbi-store-writer")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="symbi-store-reader")

    def connect(self) -> None:
        """Try the database once; raises `StoreUnavailable` naming what to check (blocks)."""
        try:
            with self._engine.connect() as conn:
                conn.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise StoreUnavailable(
                f"cannot reach the database {self._url.shown}: {reason}",
                hint="check that PostgreSQL runs and that store.url is right",
            ) from error

    async def write(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Run `fn` in one serializable transaction; see `Store.write`."""
        return await self._submit(self._writers, self._serial, fn, args, kwargs)

    async def write_committed(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Run `fn` in one READ COMMITTED transaction; see `Store.write_committed`."""
        return await self._submit(self._writers, self._committed, fn, args, kwargs)

    async def read(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Run `fn` in one read-only snapshot; see `Store.read`."""
        return await self._submit(self._readers, self._snapshot, fn, args, kwargs)

    def migration_engine(self) -> Engine:
        """Return a new engine for migrations; the caller disposes of it."""
        return create_engine(self._url.driver_url, pool_size=1)

    def figures(self) -> dict[str, Any]:
        """Return how many transactions run or wait."""
        return {"pending_writes": self._pending}

    def check(self, conn: Connection) -> str:
        """PostgreSQL watches over its own files; that it answers is all that can be seen from here."""
        conn.execute(text("SELECT 1"))
        return ""

    def close(self) -> None:
        """Finish what runs, then close every connection (blocks)."""
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    async def _submit(
        self,
        pool: ThreadPoolExecutor,
        engine: Engine,
        fn: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T:
        if self._pending >= MOST_PENDING:
            raise CapacityExceeded(
                f"{MOST_PENDING} transactions already wait for the store", hint="slow down and try again"
            )
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _transact, engine, fn, args, kwargs)
        except SQLAlchemyError as error:
            raise translate(error, self._constraints()) from error
        except RuntimeError as error:
            if "after shutdown" in str(error):
                raise StoreUnavailable("the store is closed") from None
            raise
        finally:
            self._pending -= 1


def _transact(engine: Engine, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as conn:
                result = fn(conn, *args, **kwargs)
                if isinstance(result, Result):
                    result.close()
                return result
        except SQLAlchemyError as error:
            if not is_retryable(error) or attempt == ATTEMPTS:
                raise
        # Full jitter: competitors that wait the same time would only meet again.
        time.sleep(random.uniform(0, min(0.002 * 2**attempt, 0.25)))  # noqa: S311  # jitter, not a secret
    raise AssertionError("the last attempt either returns or raises")
