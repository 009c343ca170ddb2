"""From the exceptions of the database drivers to the error tree of Symbi."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import exc

from symbi.contracts.errors import Conflict, StoreCorrupt, StoreError, StoreFull, StoreUnavailable

__all__ = ["is_retryable", "translate"]

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_SERIAL = ("40001", "40P01")
_FULL_STATES = ("53100",)
_DOWN_STATES = ("08", "57P", "53300")


def is_retryable(error: BaseException) -> bool:
    """Tell whether PostgreSQL asks for the whole transaction again (serialization failure, deadlock)."""
    return isinstance(error, exc.DBAPIError) and getattr(error.orig, "sqlstate", None) in _SERIAL


def translate(error: exc.SQLAlchemyError, constraints: Mapping[str, str] | None = None) -> StoreError | Conflict:
    """Return the error to raise for what SQLAlchemy raised.

    `constraints` maps `table(column,…)` to the name of its unique constraint, which SQLite does not tell.
    """
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return StoreError(f"the store was used wrongly: {error}")
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(error, exc.IntegrityError):
        return _integrity(error.orig, state, constraints or {})
    if state is not None:
        return _postgres(error, state)
    return _sqlite(error)


def _integrity(orig: BaseException, state: str | None, constraints: Mapping[str, str]) -> StoreError | Conflict:
    text = str(orig).splitlines()[0]
    if state == "23505":
        diag = getattr(orig, "diag", None)
        return _duplicate(getattr(diag, "constraint_name", None) or "", getattr(diag, "table_name", None) or "")
    found = _UNIQUE.search(text)
    if found:
        columns = [column.strip() for column in found[1].split(",")]
        table = columns[0].partition(".")[0]
        signature = f"{table}({','.join(sorted(column.partition('.')[2] for column in columns))})"
        return _duplicate(constraints.get(signature, signature), table)
    if state == "23503" or "FOREIGN KEY" in text:
        return Conflict(
            "something that this refers to, or that refers to this, is missing or in the way",
            code="FOREIGN_KEY_VIOLATION",
        )
    return StoreError(f"the store refused a value: {text}", code="CONSTRAINT_VIOLATION")


def _duplicate(constraint: str, table: str) -> Conflict:
    return Conflict(
        f"an entry with the same key exists already ({constraint})",
        code="UNIQUE_VIOLATION",
        details={"constraint": constraint, "table": table},
    )


def _postgres(error: exc.DBAPIError, state: str) -> StoreError:
    text = str(error.orig).splitlines()[0]
    if state in _FULL_STATES:
        return _full()
    if state in _SERIAL:
        return StoreUnavailable("the database is too busy with competing changes", hint="try again")
    if error.connection_invalidated or state.startswith(_DOWN_STATES):
        return StoreUnavailable(
            f"the database went away: {text}", hint="check that PostgreSQL runs and accepts connections"
        )
    return StoreError(f"the database refused: {text}")


def _sqlite(error: exc.DBAPIError) -> StoreError:
    text = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
    name = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return _full()
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreCorrupt(
            f"the database is damaged: {text}", hint="restore the file from a backup, or move it away to start empty"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreUnavailable("the database is held by another process", hint="stop the other process")
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")) or isinstance(error, exc.InterfaceError):
        return StoreUnavailable(
            f"the database cannot be read or written: {text}",
            hint="check the disk and the permissions of the data directory",
        )
    if error.connection_invalidated or (not name and isinstance(error, exc.OperationalError)):
        return StoreUnavailable(
            f"the database cannot be reached: {text}", hint="check that the database runs and accepts connections"
        )
    return StoreError(f"the database refused: {text}")


def _full() -> StoreFull:
    return StoreFull("the disk under the database is full, and nothing of this change was kept", hint="free some space")
