"""Tables of the built-in vector backend; an owner's `version` counts its writes, `deletes` its deletions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

from symbi.store.columns import ms

__all__ = ["COLLECTIONS", "METADATA", "OWNERS", "VECTORS"]

METADATA = MetaData()

COLLECTIONS = Table(
    "vector_collections",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("model", String(400), nullable=False),
    Column("generation", String(36), nullable=False, comment="differs for each making of a collection of this name"),
)

OWNERS = Table(
    "vector_owners",
    METADATA,
    Column("collection", String(200), primary_key=True),
    Column("tenant", String(200), primary_key=True),
    Column("agent", String(200), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("deletes", BigInteger, nullable=False),
)

VECTORS = Table(
    "vector_items",
    METADATA,
    Column("collection", String(200), primary_key=True),
    Column("tenant", String(200), primary_key=True),
    Column("agent", String(200), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("type", String(40), nullable=False),
    Column("session", String(200), nullable=False),
    Column("document", String(100), nullable=False),
    Column("level", Integer, nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("vector", LargeBinary, nullable=False, comment="little-endian float32, length 1"),
    Index("ix_vector_items_seq", "collection", "tenant", "agent", "seq"),
)
