"""Tables of agents, their heartbeats and their messages; times are UTC milliseconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from symbi.store.columns import Json, ms

__all__ = ["AGENTS", "MESSAGES", "METADATA", "REPORTS"]

METADATA = MetaData()

AGENTS = Table(
    "agents",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("language", String(40), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("source", String(500), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("metadata", Json(dict[str, str]), nullable=False),
    Column("heartbeat_interval_seconds", Integer),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
    Column("archived_at", ms()),
    Index("ix_agents_name", "name"),
    Index("ix_agents_agent", "agent"),
    Index("ix_agents_source", "source"),
)

REPORTS = Table(
    "agent_reports",
    METADATA,
    Column("agent_id", String(36), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("at", ms(), nullable=False),
    Column("metadata", Json(dict[str, str]), nullable=False),
    Column("last_result", Text),
    Column("events", Json(list), nullable=False),
)
"""What external agents said of themselves; the newest word of each."""

MESSAGES = Table(
    "agent_messages",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("sender", String(36), nullable=False),
    Column("recipient", String(36), nullable=False),
    Column("topic", String(200)),
    Column("payload", Text, nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("expires_at", ms(), nullable=False),
    Column("ttl_seconds", Integer, nullable=False),
    Column("delivered_at", ms()),
    Column("failed", Text),
    Index("ix_agent_messages_inbox", "recipient", "delivered_at", "seq"),
)
