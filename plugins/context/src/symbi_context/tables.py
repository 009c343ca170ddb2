"""Tables of memory: items and their past states, documents, sessions, grants, blocks, and what still waits for the vector backend.

Times are UTC milliseconds. On SQLite an FTS5 table follows `context_items` by triggers, on PostgreSQL an expression index serves the same searches.
"""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, event

from symbi.store.columns import Json, ms

__all__ = ["BLOCKS", "DOCUMENTS", "GRANTS", "ITEMS", "METADATA", "OUTBOX", "REVISIONS", "SESSIONS", "STORES"]

METADATA = MetaData()


def _owner() -> list[Column[str]]:
    return [Column("tenant", String(200), nullable=False), Column("agent", String(200), nullable=False)]


ITEMS = Table(
    "context_items",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    *_owner(),
    Column("scope_key", String(24), nullable=False, comment="a word of tenant and agent, for the full-text index"),
    Column("kind", String(20), nullable=False),
    Column("type", String(20), nullable=False),
    Column("store", String(200), nullable=False),
    Column("session", String(200), nullable=False),
    Column("document", String(36), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("char_start", Integer, nullable=False),
    Column("char_end", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the text without case and spacing"),
    Column("data", Json(dict), nullable=False),
    Column("metadata", Json(dict[str, str]), nullable=False),
    Column("importance", Float, nullable=False),
    Column("level", Integer, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("source", String(400), nullable=False),
    Column("subject", String(400), nullable=False),
    Column("predicate", String(200), nullable=False),
    Column("valid_from", ms()),
    Column("valid_to", ms()),
    Column("superseded_by", String(36)),
    Column("created_at", ms(), nullable=False),
    Column("accessed_at", ms(), nullable=False),
    Column("access_count", Integer, nullable=False),
    Column("archived_at", ms()),
    Column("revision", Integer, nullable=False),
    Index("ix_context_items_owner", "tenant", "agent", "kind", "archived_at", "created_at"),
    Index("ix_context_items_session", "tenant", "agent", "session"),
    Index("ix_context_items_document", "document", "ordinal"),
    Index("ix_context_items_fact", "tenant", "agent", "subject", "predicate"),
)

REVISIONS = Table(
    "context_revisions",
    METADATA,
    Column("item", String(36), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("state", Json(dict), nullable=False, comment="the item as it was"),
    Column("replaced_at", ms(), nullable=False),
)

DOCUMENTS = Table(
    "context_documents",
    METADATA,
    Column("id", String(36), primary_key=True),
    *_owner(),
    Column("uri", String(1000), nullable=False),
    Column("title", String(400), nullable=False),
    Column("media", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("level", Integer, nullable=False),
    Column("metadata", Json(dict[str, str]), nullable=False),
    Column("characters", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
    Index("uq_context_documents_uri", "tenant", "agent", "uri", unique=True),
)

SESSIONS = Table(
    "context_sessions",
    METADATA,
    *[Column(name, String(200), primary_key=True) for name in ("tenant", "agent", "id")],
    Column("title", String(400), nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
)

GRANTS = Table(
    "context_grants",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("items", Json(list[str]), nullable=False),
    Column("level", Integer, nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("expires_at", ms()),
    Column("revoked_at", ms()),
    Index("ix_context_grants_recipient", "tenant", "recipient"),
    Index("ix_context_grants_owner", "tenant", "owner"),
)

BLOCKS = Table(
    "context_blocks",
    METADATA,
    *[Column(name, String(200), primary_key=True) for name in ("tenant", "agent", "label")],
    Column("text", Text, nullable=False),
    Column("characters", Integer, nullable=False, comment="how long it may be"),
    Column("version", Integer, nullable=False),
    Column("updated_at", ms(), nullable=False),
)

OUTBOX = Table(
    "context_outbox",
    METADATA,
    Column("item", String(36), primary_key=True),
    *_owner(),
    Column("op", String(8), nullable=False, comment="put or drop"),
    Column(
        "ticket",
        String(36),
        nullable=False,
        comment="changes with every change, so that a late answer clears nothing newer",
    ),
    Column("queued_at", ms(), nullable=False),
    Index("ix_context_outbox_queued", "queued_at"),
)

STORES = Table(
    "context_stores",
    METADATA,
    Column("key", String(600), primary_key=True),
    Column("source", String(500), nullable=False),
    Column("name", String(200), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("facts", Json(dict), nullable=False),
)

_SQLITE = (
    "CREATE VIRTUAL TABLE context_fts USING fts5(scope_key, text, content='context_items', content_rowid='seq', "
    "tokenize='porter unicode61 remove_diacritics 2')",
    "CREATE TRIGGER context_fts_insert AFTER INSERT ON context_items BEGIN "
    "INSERT INTO context_fts(rowid, scope_key, text) VALUES (new.seq, new.scope_key, new.text); END",
    "CREATE TRIGGER context_fts_delete AFTER DELETE ON context_items BEGIN "
    "INSERT INTO context_fts(context_fts, rowid, scope_key, text) VALUES ('delete', old.seq, old.scope_key, old.text); END",
    "CREATE TRIGGER context_fts_update AFTER UPDATE OF text, scope_key ON context_items BEGIN "
    "INSERT INTO context_fts(context_fts, rowid, scope_key, text) VALUES ('delete', old.seq, old.scope_key, old.text); "
    "INSERT INTO context_fts(rowid, scope_key, text) VALUES (new.seq, new.scope_key, new.text); END",
)
_POSTGRESQL = ("CREATE INDEX ix_context_items_words ON context_items USING gin (to_tsvector('simple', text))",)


def _ddl(statement: str) -> DDL:
    made: DDL = DDL(statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    return made


for _statement in _SQLITE:
    event.listen(ITEMS, "after_create", _ddl(_statement).execute_if(dialect="sqlite"))
for _statement in _POSTGRESQL:
    event.listen(ITEMS, "after_create", _ddl(_statement).execute_if(dialect="postgresql"))
