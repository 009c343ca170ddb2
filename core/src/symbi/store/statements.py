"""Statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps in two dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Table, func, select

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["insert_ignore", "next_seq", "upsert"]

Row = Mapping[str, Any]


def _insert(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if conn.dialect.name == "postgresql":  # importing this dialect costs a start 0.1 s that SQLite does not need
        from sqlalchemy.dialects.postgresql import insert

        return insert(table)
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite(table)


def insert_ignore(
    conn: Connection, table: Table, rows: Row | Sequence[Row], *, key: Iterable[str] | None = None
) -> int:
    """Insert the rows that are not there yet; return how many were.

    `key` names the columns of the unique key that may collide (None = any of them). Existing rows stay as they are.
    """
    rows = [rows] if isinstance(rows, Mapping) else rows
    if not rows:
        return 0
    columns = list(key) if key is not None else None
    statement = _insert(conn, table).on_conflict_do_nothing(index_elements=columns)
    done = conn.execute(statement, [dict(row) for row in rows], execution_options={"preserve_rowcount": True})
    return done.rowcount


def upsert(
    conn: Connection,
    table: Table,
    rows: Row | Sequence[Row],
    *,
    key: Iterable[str],
    update: Iterable[str] | None = None,
) -> None:
    """Insert rows, or update those whose `key` columns exist; `update` names the columns to overwrite (None = all but the key)."""
    rows = [rows] if isinstance(rows, Mapping) else rows
    if not rows:
        return
    keys = list(key)
    statement = _insert(conn, table)
    changed = list(update) if update is not None else [name for name in rows[0] if name not in keys]
    if not changed:
        insert_ignore(conn, table, rows, key=keys)
        return
    excluded = {name: statement.excluded[name] for name in changed}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=excluded), [dict(row) for row in rows])


def next_seq(conn: Connection, column: Column[int], *where: Any) -> int:
    """Return one more than the largest value of `column` among the rows that match `where`; 1 when there is none.

    Safe inside `store.write`, where transactions are serial; a unique key on the column is still the guard.
    """
    top = conn.execute(select(func.max(column)).where(*where)).scalar()
    return int(top or 0) + 1
