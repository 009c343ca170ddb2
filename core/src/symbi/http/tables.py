"""The table behind `Idempotency-Key`: one row per key, principal and route."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

from symbi.store import Json, ms

__all__ = ["ANSWERS", "METADATA"]

METADATA = MetaData()

ANSWERS = Table(
    "http_answers",
    METADATA,
    Column("slot", String(64), primary_key=True, comment="SHA-256 of principal, method, path and key"),
    Column("request", String(64), nullable=False, comment="SHA-256 of the query and body"),
    Column("claim", String(64), nullable=False, comment="who holds it while there is no answer"),
    Column("claimed_until", ms(), nullable=False),
    Column("status", Integer, comment="NULL until answered"),
    Column("headers", Json(dict[str, str])),
    Column("body", LargeBinary),
    Column("expires_at", ms(), nullable=False),
    Index("http_answers_by_expiry", "expires_at"),
)
