"""The tables of the review: sessions, analyses, packages, audit chain, events, suppressions, kept answers, revoked tokens."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

from symbi.store import Json, ms

__all__ = [
    "ANALYSES",
    "ANSWERS",
    "AUDIT",
    "EVENTS",
    "INSTALLED",
    "METADATA",
    "PACKAGES",
    "SESSIONS",
    "SUPPRESSIONS",
    "TOKENS",
]

METADATA = MetaData()

SESSIONS = Table(
    "review_sessions",
    METADATA,
    Column("review_id", String(36), primary_key=True),
    Column("tool_name", String(128), nullable=False),
    Column("tool_version", String(64), nullable=False),
    Column("author", String(254), nullable=False),
    Column("submitter", String(600), nullable=False),
    Column("status", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("source_code", Text, nullable=False),
    Column("source_sha256", String(64), nullable=False),
    Column("schema_text", Text, nullable=False),
    Column("language", String(16), nullable=False),
    Column("metadata", Json(), nullable=False),
    Column("metadata_sha256", String(64), nullable=False),
    Column("priority", String(8), nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
    Column("analysis_id", String(36)),
    Column("risk_score", Integer),
    Column("routed", String(8)),
    Column("policy", String(64)),
    Column("lease_until", ms()),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_try_at", ms()),
    Column("last_error", Text),
    Column("assigned_to", String(600)),
    Column("claimed_by", String(600)),
    Column("escalated_at", ms()),
    Column("escalations", Json()),
    Column("decision", Json()),
    Column("decided_at", ms()),
    Column("approvals", Json()),
    Column("conditions", Json()),
    Column("not_by", Json()),
    Column("appealed", Boolean, nullable=False, default=False),
    Column("signature", Json()),
    Column("signed_at", ms()),
    Column("signing_key", String(128)),
    Column("revoked", Json()),
    Column("supersedes", String(36)),
    Column("expires_at", ms()),
    Index("review_sessions_by_status", "status", "created_at"),
    Index("review_sessions_by_author", "author", "created_at"),
    Index("review_sessions_by_tool", "tool_name", "tool_version", "author"),
)

ANALYSES = Table(
    "review_analyses",
    METADATA,
    Column("analysis_id", String(36), primary_key=True),
    Column("review_id", String(36), nullable=False, index=True),
    Column("source_sha256", String(64), nullable=False),
    Column("report", Json(), nullable=False),
    Column("risk_score", Integer, nullable=False),
    Column("completed_at", ms(), nullable=False),
)

PACKAGES = Table(
    "review_packages",
    METADATA,
    Column("review_id", String(36), primary_key=True),
    Column("filename", String(300), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

AUDIT = Table(
    "review_audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", ms(), nullable=False),
    Column("review_id", String(36), nullable=False, index=True),
    Column("actor", String(600), nullable=False),
    Column("action", String(64), nullable=False),
    Column("from_status", String(32)),
    Column("to_status", String(32)),
    Column("reason", Text),
    Column("analysis_id", String(36)),
    Column("source_sha256", String(64)),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

EVENTS = Table(
    "review_events",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String(36), nullable=False),
    Column("type", String(48), nullable=False),
    Column("at", ms(), nullable=False),
    Column("review_id", String(36), nullable=False, index=True),
    Column("submitter", String(600), nullable=False),
    Column("body", Json(), nullable=False),
    Column("delivered", Boolean, nullable=False, default=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_try_at", ms(), nullable=False, default=0),
)

SUPPRESSIONS = Table(
    "review_suppressions",
    METADATA,
    Column("tool_name", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("source_sha256", String(64), primary_key=True),
    Column("rule", String(64), nullable=False),
    Column("owner", String(600), nullable=False),
    Column("reason", Text, nullable=False),
    Column("expires_at", ms(), nullable=False),
)

ANSWERS = Table(
    "review_answers",
    METADATA,
    Column("subject", String(600), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("location", String(200)),
    Column("at", ms(), nullable=False),
)

INSTALLED = Table(
    "review_installed",
    METADATA,
    Column("tool_name", String(128), primary_key=True),
    Column("tool_version", String(64), nullable=False),
    Column("package_sha256", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("pin", String(64), nullable=False),
    Column("installed_at", ms(), nullable=False),
    Column("installed_by", String(600), nullable=False),
    Column("blocked", Text),
)

TOKENS = Table(
    "review_revoked_tokens",
    METADATA,
    Column("issuer", String(300), primary_key=True),
    Column("jti", String(255), primary_key=True),
    Column("until", ms(), nullable=False),
    UniqueConstraint("issuer", "jti", name="review_revoked_tokens_once"),
)
