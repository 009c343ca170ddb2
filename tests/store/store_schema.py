"""The tables that the store's tests write to."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, UniqueConstraint

from symbi.store import Json, ms

__all__ = ["METADATA", "NOTES", "REMARKS"]

METADATA = MetaData()

NOTES = Table(
    "notes",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("author", String(64), nullable=False, server_default=""),
    Column("slot", Integer),
    Column("at", ms()),
    Column("body", Json()),
    UniqueConstraint("author", "slot", name="one_note_per_slot"),
)

REMARKS = Table(
    "remarks",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("note", String(64), ForeignKey("notes.id", deferrable=True, initially="DEFERRED"), nullable=False),
)
