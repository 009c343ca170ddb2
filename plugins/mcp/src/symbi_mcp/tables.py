"""The table of pinned definitions; times are integer milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String, Table

from symbi.store import Json, ms

__all__ = ["METADATA", "PINS"]

METADATA = MetaData()

PINS = Table(
    "mcp_pins",
    METADATA,
    Column("server", String(64), primary_key=True),
    Column("tool", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("definition", Json(), nullable=False),
    Column("approved_digest", String(64), nullable=False, server_default=""),
    Column("approved_by", String(300), nullable=False, server_default=""),
    Column("approved_at", ms()),
    Column("seen_at", ms(), nullable=False),
)
