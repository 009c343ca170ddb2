"""The store on SQLite: WAL, one writer with group commit, a few readers with snapshots."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Result, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from symbi.contracts.errors import StoreCorrupt, StoreError, StoreUnavailable
from symbi.store.errors import translate
from symbi.store.lock import OwnerLock
from symbi.store.writer import GroupWriter

__all__ = ["SqliteBackend"]

T = TypeVar("T")

CHECKED_SIZE = 32 * 1024 * 1024
"""Files up to this many bytes are read through for damage at every start; larger ones by `Store.check`."""


class SqliteBackend:
    """Connections to one SQLite file; made by `open_file`, which refuses what cannot be used and says why."""

    dialect = "sqlite"

    def __init__(
        self, path: Path, lock: OwnerLock | None, *, readers: int, constraints: Callable[[], Mapping[str, str]]
    ) -> None:
        self.path = path
        self._lock = lock
        self._constraints = constraints
        self._engine = _engine(path, begin="BEGIN IMMEDIATE", query_only=False)
        self._read_engine = _engine(path, begin="BEGIN", query_only=True)
        self._writer = GroupWriter(self._engine, constraints=constraints)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="symbi-store-reader")
        self._local = threading.local()
        self._open: list[Connection] = []

    @classmethod
    def open_file(
        cls, path: Path, *, exclusive: bool, readers: int, constraints: Callable[[], Mapping[str, str]]
    ) -> SqliteBackend:
        """Open or create the file (0600, its directory 0700) and start the writer.

        Raises `StoreLocked`, `StoreCorrupt` or `StoreUnavailable`, each naming the remedy.
        """
        _prepare(path)
        lock = OwnerLock(path.with_name(path.name + ".lock")) if exclusive else None
        if lock is not None:
            lock.take()
        try:
            _inspect(path)
            backend = cls(path, lock, readers=readers, constraints=constraints)
            backend._writer.start()
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return backend

    async def write(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Run `fn` on the writer; see `Store.write`."""
        result: T = await self._writer.submit(fn, args, kwargs)
        return result

    write_committed = write

    async def read(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Run `fn` on a reader; see `Store.read`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn, args, kwargs)
        except SQLAlchemyError as error:
            raise translate(error, self._constraints()) from error
        except RuntimeError as error:
            if "after shutdown" in str(error):
                raise StoreUnavailable("the store is closed") from None
            raise

    def migration_engine(self) -> Engine:
        """Return a new engine for migrations, which run before anybody else writes; the caller disposes of it."""
        return _engine(self.path, begin="BEGIN IMMEDIATE", query_only=False)

    def figures(self) -> dict[str, Any]:
        """Return sizes in bytes and the length of the writer's queue."""
        wal = self.path.with_name(self.path.name + "-wal")
        return {
            "pending_writes": self._writer.pending,
            "size_bytes": self.path.stat().st_size,
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
            "free_bytes": shutil.disk_usage(self.path.parent).free,
        }

    def check(self, conn: Connection) -> str:
        """Read the whole file for damage and broken references; return what is wrong, or nothing."""
        verdict = str(conn.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        if verdict != "ok":
            return verdict
        broken = conn.exec_driver_sql("PRAGMA foreign_key_check").first()
        return f"a row of {broken[0]!r} refers to a missing row of {broken[2]!r}" if broken is not None else ""

    def close(self) -> None:
        """Finish the queue, close every connection and give the lock back (blocks)."""
        self._writer.close()
        self._readers.shutdown(wait=True)
        for conn in self._open:
            with contextlib.suppress(Exception):
                conn.close()
        self._engine.dispose()
        self._read_engine.dispose()
        if self._lock is not None:
            self._lock.release()

    def _read(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        conn: Connection | None = getattr(self._local, "conn", None)
        if conn is None or conn.closed:
            conn = self._local.conn = self._read_engine.connect()
            self._open.append(conn)
        try:
            with conn.begin() as transaction:
                try:
                    return closed(fn(conn, *args, **kwargs))
                finally:
                    transaction.rollback()
        except SQLAlchemyError:
            self._local.conn = None  # whatever happened to it, the next reader begins with a fresh one
            self._open.remove(conn)
            conn.close()
            raise


def closed(result: T) -> T:
    """Close a result that a function returned: its connection is about to serve somebody else."""
    if isinstance(result, Result):
        result.close()
    return result


def _engine(path: Path, *, begin: str, query_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        conn = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-16384",
            "temp_store=MEMORY",
        ):
            conn.execute(f"PRAGMA {pragma}")
        if query_only:
            conn.execute("PRAGMA query_only=ON")
        return conn

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


def _prepare(path: Path) -> None:
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise StoreUnavailable(
            f"cannot open the store {path} for writing: {error.strerror}",
            hint="make the directory writable for this user, or choose another with --data-dir",
        ) from error


def _inspect(path: Path) -> None:
    """Refuse a file that is no database or a damaged one, before anything is written to it."""
    damaged = f"the store {path} is damaged or is no SQLite database"
    hint = "restore it from a backup, or move it away to start empty"
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)) as conn:
            conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if path.stat().st_size <= CHECKED_SIZE:
                verdict = str(conn.execute("PRAGMA quick_check(1)").fetchone()[0])
                if verdict != "ok":
                    raise StoreCorrupt(f"{damaged}: {verdict}", hint=hint)
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise StoreCorrupt(f"{damaged}: {error}", hint=hint) from error
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_BUSY")):
            raise StoreUnavailable(
                f"cannot use the store {path}: {error}", hint="check its disk, its permissions and who else has it open"
            ) from error
        raise StoreError(f"cannot use the store {path}: {error}") from error
