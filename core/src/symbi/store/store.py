"""The record store: everything that must survive a crash goes through `write`, everything else is read by `read`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from symbi.contracts.errors import SymbiError
from symbi.contracts.health import Health, degraded, healthy, unhealthy
from symbi.store.constraints import ConstraintNames
from symbi.store.url import StoreUrl, read_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from symbi.contracts.offers import Tables
    from symbi.store.migrations import UpgradeReport
    from symbi.store.postgres import PostgresBackend
    from symbi.store.sqlite import SqliteBackend

__all__ = ["Store"]

P = ParamSpec("P")
T = TypeVar("T")

LOW_SPACE = 256 * 1024 * 1024


class Store:
    """One SQLite file or one PostgreSQL database; made by `await Store.open(url)`, closed by `await store.close()`.

    The functions it is given are synchronous, get a SQLAlchemy `Connection` with a transaction begun, must not end that transaction,
    should touch nothing but the database, and may run more than once: the store repeats them when the database asks for it.
    """

    def __init__(self, url: StoreUrl, backend: SqliteBackend | PostgresBackend, names: ConstraintNames) -> None:
        self.url = url
        self.backend = backend
        self._names = names
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(
        cls, url: str, *, exclusive: bool = True, base: Path | None = None, readers: int = 3, writers: int = 8
    ) -> Store:
        """Open the store at `url`, creating a SQLite file that is not there.

        With `exclusive` only one process may hold a SQLite file (the second gets `StoreLocked`); PostgreSQL allows many. Relative paths
        start at `base`. Raises `ConfigError`, `StoreLocked`, `StoreCorrupt` or `StoreUnavailable`, each with its remedy.
        """
        where = read_url(url, base=base)
        names = ConstraintNames()
        backend = await asyncio.to_thread(_open_backend, where, exclusive, readers, writers, names)
        return cls(where, backend, names)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.dialect

    async def write(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(conn, *args, **kwargs)` in one transaction and return its result once that is durable.

        Writes are serial: on SQLite one after another, committed in groups; on PostgreSQL serializable and retried. If `fn` raises, its
        changes are undone and the exception is the caller's; errors of the database come as `Conflict` (a unique key, with its name) or
        as a `StoreError`. If the caller is cancelled, the change happens wholly or not at all.
        """
        return await self.backend.write(fn, args, kwargs)

    async def write_committed(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `write`, but READ COMMITTED on PostgreSQL: for claims by `FOR UPDATE SKIP LOCKED` and for conditional updates by fence."""
        return await self.backend.write_committed(fn, args, kwargs)

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn` on a reader: it sees one snapshot, every write that was acknowledged before, and cannot change anything."""
        return await self.backend.read(fn, args, kwargs)

    async def upgrade(self, tables: Iterable[Tables], *, strict: bool = True) -> UpgradeReport:
        """Bring the tables of the plugins to their newest revision, under a lock, in one transaction, before anybody uses them.

        With `strict` the first failure undoes everything and is raised; without, a failing branch is undone alone and stands in the
        report's `failed`. Raises `StoreTooNew` when a branch was written by a newer version.
        """
        offers = list(tables)
        report = await asyncio.to_thread(_upgrade, self.backend, offers, strict)
        self._names.offers.extend(offers)
        return report

    async def health(self) -> Health:
        """Write and read nothing, through the queue everybody uses, and tell how it went and how much room is left."""
        try:
            async with asyncio.timeout(5):
                await self.write(_nothing)
            figures = self.backend.figures()
        except TimeoutError:
            return unhealthy("the store did not answer within 5 s", remedy="look for a long write, or a slow disk")
        except (SymbiError, OSError) as error:
            return unhealthy(str(error), remedy=getattr(error, "hint", None) or "")
        free = figures.get("free_bytes")
        if free is not None and free < LOW_SPACE:
            return degraded(
                f"only {free // 2**20} MiB are free on the disk of the store", remedy="free some space", **figures
            )
        return healthy(self.dialect, **figures)

    async def check(self) -> Health:
        """Read the whole database for damage, which may take as long as reading its file; an unhealthy verdict says what was found."""
        try:
            fault = await self.read(self.backend.check)
        except SymbiError as error:
            return unhealthy(str(error), remedy=error.hint or "")
        return unhealthy(fault, remedy="restore the file from a backup") if fault else healthy("no damage was found")

    async def close(self) -> None:
        """Finish the writes that were accepted, then close; a second call does nothing."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(asyncio.to_thread(self.backend.close))
        await asyncio.shield(self._closing)


def _open_backend(
    where: StoreUrl, exclusive: bool, readers: int, writers: int, names: ConstraintNames
) -> SqliteBackend | PostgresBackend:
    if where.path is not None:
        from symbi.store.sqlite import SqliteBackend

        return SqliteBackend.open_file(where.path, exclusive=exclusive, readers=readers, constraints=names)
    from symbi.store.postgres import PostgresBackend

    backend = PostgresBackend(where, readers=readers, writers=writers, constraints=names)
    try:
        backend.connect()
    except BaseException:
        backend.close()
        raise
    return backend


def _upgrade(backend: SqliteBackend | PostgresBackend, offers: Sequence[Tables], strict: bool) -> UpgradeReport:
    from symbi.store.migrations import upgrade

    engine = backend.migration_engine()
    try:
        return upgrade(engine, offers, strict=strict)
    finally:
        engine.dispose()


def _nothing(conn: Connection) -> None:
    conn.exec_driver_sql("SELECT 1")
