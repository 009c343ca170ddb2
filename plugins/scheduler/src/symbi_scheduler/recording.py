"""Writing a batch of fires: one statement for the new rows, one for the advanced schedules, prepared as text because they are the hot path."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

__all__ = ["FIRE_COLUMNS", "advance", "insert_fires"]

# Column and PostgreSQL type; values of a row come in this order.
_TYPES = {
    "id": "varchar", "schedule_id": "varchar", "scheduled_for": "bigint", '"trigger"': "varchar", "attempt": "integer", "state": "varchar",
    "slot": "boolean", "not_before": "bigint", "reason": "text", "node": "varchar", "lease_until": "bigint", "fence": "integer",
    "missed": "integer", "last_scheduled_for": "bigint", "created_at": "bigint", "completed_at": "bigint",
}  # fmt: skip
FIRE_COLUMNS = tuple(name.strip('"') for name in _TYPES)
_NAMES = ", ".join(_TYPES)

_INSERT = f"INSERT INTO scheduler_fires ({_NAMES}) VALUES ({', '.join('?' * len(_TYPES))}) ON CONFLICT DO NOTHING"  # noqa: S608  # constants
_PG_INSERT = (
    f"INSERT INTO scheduler_fires ({_NAMES}) SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _TYPES.values())}) "  # noqa: S608
    "ON CONFLICT DO NOTHING"
)
_ADVANCE = (
    "UPDATE scheduler_schedules SET next_due = ?, fires = fires + ?, runs = runs + ?, active = ?, waiting = ?, last_run = ?, last_due = ? "
    "WHERE id = ? AND next_due = ?"
)
_PG_ADVANCE = (
    "UPDATE scheduler_schedules AS s SET next_due = v.next_due, fires = s.fires + v.fires, runs = s.runs + v.runs, active = v.active, "
    "waiting = v.waiting, last_run = v.last_run, last_due = v.last_due "
    "FROM unnest(%s::bigint[], %s::integer[], %s::integer[], %s::integer[], %s::integer[], %s::bigint[], %s::bigint[], %s::varchar[], "
    "%s::bigint[]) AS v(next_due, fires, runs, active, waiting, last_run, last_due, id, was) WHERE s.id = v.id AND s.next_due = v.was"
)


def insert_fires(conn: Connection, rows: list[tuple[Any, ...]]) -> int:
    """Insert the rows (values in the order of FIRE_COLUMNS) that are not there yet; return how many were."""
    if conn.dialect.name == "postgresql":
        return conn.exec_driver_sql(_PG_INSERT, _columns(rows)).rowcount
    return conn.exec_driver_sql(_INSERT, rows).rowcount


def advance(conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    """Move schedules on if nobody else has: (next_due, fires, runs, active, waiting, last_run, last_due, id, the due time that was read)."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_PG_ADVANCE, _columns(rows))
    else:
        conn.exec_driver_sql(_ADVANCE, rows)


def _columns(rows: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """Rows turned into columns, for PostgreSQL's `unnest`: one statement, however many rows."""
    return tuple(list(column) for column in zip(*rows, strict=True))
