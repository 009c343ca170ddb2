"""Tables of held actions and of the votes on them; times are integer milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from symbi.store import Json, ms

__all__ = ["APPROVALS", "METADATA", "VOTES"]

METADATA = MetaData()

APPROVALS = Table(
    "approvals",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("agent_id", String(200), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(512), nullable=False),
    Column("summary", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("group_name", String(700), nullable=False),
    Column("status", String(10), nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("expires_at", ms(), nullable=False),
    Column("action_hash", String(64), nullable=False),
    Column("policy_revision", String(64), nullable=False),
    Column("agent_revision", String(100), nullable=False),
    Column("requested_by", String(300), nullable=False),
    Column("quorum", Integer, nullable=False),
    Column("arguments", Json()),
    Column("edited_arguments", Text),
    Column("edited_hash", String(64), nullable=False, server_default=""),
    Column("context_snapshot", Json()),
    Column("origin", Json(), nullable=False),
    Column("resolved_at", ms()),
    Column("resolved_by", String(300)),
    Column("resolution_reason", Text, nullable=False, server_default=""),
)
Index("approvals_status_expires", APPROVALS.c.status, APPROVALS.c.expires_at)
Index("approvals_created", APPROVALS.c.created_at)
Index("approvals_action", APPROVALS.c.action_hash)

VOTES = Table(
    "approval_votes",
    METADATA,
    Column("approval_id", String(16), ForeignKey("approvals.id", ondelete="CASCADE"), primary_key=True),
    Column("principal", String(300), primary_key=True),
    Column("verdict", String(8), nullable=False),
    Column("at", ms(), nullable=False),
    Column("reason", Text, nullable=False),
    Column("edited_hash", String(64), nullable=False),
)
