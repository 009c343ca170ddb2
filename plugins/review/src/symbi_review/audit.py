"""The audit chain of the review: every transition is a row whose hash covers the row before it (toolreview.md §1.3)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, func, insert, select

from symbi_review.tables import AUDIT

__all__ = ["append", "verify_chain"]

_FIELDS = (
    "seq",
    "at",
    "review_id",
    "actor",
    "action",
    "from_status",
    "to_status",
    "reason",
    "analysis_id",
    "source_sha256",
    "prev_hash",
)
_FIRST = "0" * 64


def _digest(row: dict[str, Any]) -> str:
    text = json.dumps([row[name] for name in _FIELDS], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def append(conn: Connection, **fields: Any) -> None:
    """Add one record; writes are serial, so the chain never forks."""
    last = conn.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    row: dict[str, Any] = dict.fromkeys(_FIELDS)
    row.update(fields)
    row["seq"] = last.seq + 1 if last else 1
    row["prev_hash"] = last.hash if last else _FIRST
    conn.execute(insert(AUDIT).values(**row, hash=_digest(row)))


def verify_chain(conn: Connection) -> dict[str, Any]:
    """`{ok, records, first_bad, reason}`: an edited, removed or reordered row is found."""
    previous, expected = _FIRST, 1
    for row in conn.execute(select(AUDIT).order_by(AUDIT.c.seq)).mappings():
        if row["seq"] != expected:
            return {"ok": False, "records": expected - 1, "first_bad": expected, "reason": "a record is missing"}
        if row["prev_hash"] != previous or row["hash"] != _digest(dict(row)):
            return {"ok": False, "records": expected - 1, "first_bad": expected, "reason": "a record was changed"}
        previous, expected = row["hash"], expected + 1
    total = conn.execute(select(func.count()).select_from(AUDIT)).scalar_one()
    return {"ok": True, "records": total, "first_bad": None, "reason": None}
