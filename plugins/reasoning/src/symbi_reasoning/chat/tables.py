"""Tables of conversations; times are integer milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from symbi.store import ms

__all__ = ["METADATA", "THREADS", "TURNS"]

METADATA = MetaData()

THREADS = Table(
    "chat_threads",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("agent_id", String(100), nullable=False),
    Column("agent", String(300), nullable=False),
    Column("principal", String(300), nullable=False),
    Column("title", String(200), nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
)
Index("chat_threads_principal", THREADS.c.principal, THREADS.c.updated_at)

TURNS = Table(
    "chat_turns",
    METADATA,
    Column("thread_id", String(40), ForeignKey("chat_threads.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("run_id", String(64), nullable=False, server_default=""),
    Column("message", Text, nullable=False),
    Column("answer", Text),
    Column("status", String(12), nullable=False, server_default="open"),
    Column("created_at", ms(), nullable=False),
)
