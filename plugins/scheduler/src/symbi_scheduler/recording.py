"""Writing a batch of fires: one statement for the new rows, one for the advanced schedules, prepared as text because they are the hot path."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from symbi_scheduler.tables import FIRES

__all__ = ["FIRE_COLUMNS", "advance", "insert_fires"]

FIRE_COLUMNS = (
    "id", "schedule_id", "scheduled_for", "trigger", "attempt", "state", "slot", "not_before", "reason", "node", "lease_until", "fence", "missed",
    "last_scheduled_for", "created_at", "completed_at",
)  # fmt: skip
_NAMES = ", ".join(FIRE_COLUMNS).replace("trigger", '"trigger"')
_INSERT = f"INSERT INTO scheduler_fires ({_NAMES}) VALUES ({', '.join('?' * len(FIRE_COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608  # constants
_PG_INSERT = postgresql.insert(FIRES).on_conflict_do_nothing().returning(FIRES.c.id)
_ADVANCE = (
    "UPDATE scheduler_schedules SET next_due = ?, fires = fires + ?, runs = runs + ?, active = ?, waiting = ?, last_run = ?, last_due = ? "
    "WHERE id = ? AND next_due = ?"
)
_PG_ADVANCE = _ADVANCE.replace("?", "%s")


def insert_fires(conn: Connection, rows: list[tuple[Any, ...]]) -> int:
    """Insert the rows (values in the order of FIRE_COLUMNS) that are not there yet; return how many were."""
    if conn.dialect.name == "postgresql":
        return len(conn.execute(_PG_INSERT, [dict(zip(FIRE_COLUMNS, row, strict=True)) for row in rows]).all())
    return conn.exec_driver_sql(_INSERT, rows).rowcount


def advance(conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    """Move schedules on if nobody else has: (next_due, fires, runs, active, waiting, last_run, last_due, id, the due time that was read)."""
    conn.exec_driver_sql(_PG_ADVANCE if conn.dialect.name == "postgresql" else _ADVANCE, rows)
