"""Nodes: who is alive, and what each has counted."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, case, func, select, update

from symbi.store import upsert
from symbi_scheduler.tables import NODES

__all__ = ["count_run", "greet", "totals"]

_N = NODES.c


def greet(conn: Connection, node: str, now: int) -> None:
    """Say that a node is alive."""
    row = {
        "id": node,
        "started_at": now,
        "seen_at": now,
        "runs": 0,
        "succeeded": 0,
        "failed": 0,
        "denied": 0,
        "total_ms": 0,
        "longest_ms": 0,
    }
    upsert(conn, NODES, row, key=["id"], update=["seen_at"])


_COUNT = (
    update(NODES)
    .where(_N.id == bindparam("b_id"))
    .values(
        runs=_N.runs + 1,
        succeeded=_N.succeeded + bindparam("b_succeeded"),
        failed=_N.failed + bindparam("b_failed"),
        total_ms=_N.total_ms + bindparam("b_took"),
        longest_ms=case((_N.longest_ms < bindparam("b_took"), bindparam("b_took")), else_=_N.longest_ms),
    )
)


def count_run(conn: Connection, node: str, *, succeeded: bool, took_ms: int) -> None:
    """Count one ended run on the node that started it."""
    given = {"b_id": node, "b_succeeded": int(succeeded), "b_failed": int(not succeeded), "b_took": took_ms}
    conn.execute(_COUNT, given)


def totals(conn: Connection) -> dict[str, int]:
    """Sums over all nodes: runs, succeeded, failed, denied, total_ms, and the longest run."""
    columns = [
        func.coalesce(func.sum(_N[name]), 0).label(name)
        for name in ("runs", "succeeded", "failed", "denied", "total_ms")
    ]
    row = conn.execute(select(*columns, func.coalesce(func.max(_N.longest_ms), 0).label("longest_ms"))).one()
    return {name: int(value) for name, value in row._mapping.items()}
