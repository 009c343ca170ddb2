"""Answers kept under an Idempotency-Key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select

from symbi.store import insert_ignore
from symbi_review.tables import ANSWERS

__all__ = ["keep_answer", "kept_answer"]

_KEEP_MS = 24 * 3_600_000


def kept_answer(conn: Connection, subject: str, key: str) -> Any:
    """The kept answer, or None."""
    return conn.execute(select(ANSWERS).where((ANSWERS.c.subject == subject) & (ANSWERS.c.key == key))).first()


def keep_answer(
    conn: Connection, subject: str, key: str, digest: str, status: int, body: str, location: str | None, now: int
) -> None:
    """Keep the first answer for a day."""
    conn.execute(delete(ANSWERS).where(ANSWERS.c.at < now - _KEEP_MS))
    row = {
        "subject": subject,
        "key": key,
        "request_sha256": digest,
        "status": status,
        "body": body,
        "location": location,
        "at": now,
    }
    insert_ignore(conn, ANSWERS, row, key=("subject", "key"))
