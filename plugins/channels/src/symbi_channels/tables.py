"""Tables of channels; times are integer milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from symbi.contracts.channels import InboundMessage, OutboundMessage, Sent
from symbi.store import Json, ms

__all__ = ["APPROVALS", "CHANNELS", "INBOX", "MAPPINGS", "METADATA", "OUTBOX", "RUNS", "SEEN"]

METADATA = MetaData()


def _sequence() -> BigInteger:
    return BigInteger().with_variant(Integer(), "sqlite")


CHANNELS = Table(
    "channels",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("platform", String(64), nullable=False),
    Column("status", String(12), nullable=False),
    Column("wanted", Boolean, nullable=False),
    Column("config", Json(), nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("owner", String(300), nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
    Column("started_at", ms()),
    Column("last_message_at", ms()),
    Column("source", String(700), nullable=False, server_default=""),
    Column("source_key", String(700), nullable=False, server_default=""),
    Column("digest", String(64), nullable=False, server_default=""),
    Column("holder", String(64), nullable=False, server_default=""),
    Column("lease_until", ms(), nullable=False, server_default="0"),
)

MAPPINGS = Table(
    "channel_mappings",
    METADATA,
    Column("channel_id", String(36), primary_key=True),
    Column("platform_user_id", String(200), primary_key=True),
    Column("symbiont_user_id", String(200), nullable=False),
    Column("email", String(320)),
    Column("display_name", String(200), nullable=False),
    Column("roles", Json(list[str]), nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("created_at", ms(), nullable=False),
)

SEEN = Table(
    "channel_seen",
    METADATA,
    Column("channel_id", String(36), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("at", ms(), nullable=False, index=True),
)

INBOX = Table(
    "channel_inbox",
    METADATA,
    Column("seq", _sequence(), primary_key=True, autoincrement=True),
    Column("channel_id", String(36), nullable=False),
    Column("conversation", String(200), nullable=False),
    Column("message", Json(InboundMessage), nullable=False),
    Column("state", String(8), nullable=False),
    Column("outcome", String(200), nullable=False, server_default=""),
    Column("received_at", ms(), nullable=False),
    Column("done_at", ms()),
)
Index("channel_inbox_pending", INBOX.c.channel_id, INBOX.c.state, INBOX.c.seq)

OUTBOX = Table(
    "channel_outbox",
    METADATA,
    Column("seq", _sequence(), primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("key", String(200), unique=True),
    Column("channel_id", String(36), nullable=False),
    Column("destination", String(300), nullable=False),
    Column("message", Json(OutboundMessage), nullable=False),
    Column("edits", String(36), nullable=False, server_default=""),
    Column("optional", Boolean, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", ms(), nullable=False),
    Column("sent", Json(Sent)),
    Column("error", Text, nullable=False, server_default=""),
    Column("created_at", ms(), nullable=False),
    Column("done_at", ms()),
)
Index("channel_outbox_pending", OUTBOX.c.channel_id, OUTBOX.c.state, OUTBOX.c.destination, OUTBOX.c.seq)

RUNS = Table(
    "channel_runs",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("channel_id", String(36), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("message", Json(InboundMessage), nullable=False),
    Column("notice", String(36), nullable=False, server_default=""),
    Column("answered", Boolean, nullable=False),
    Column("created_at", ms(), nullable=False),
)
Index("channel_runs_open", RUNS.c.channel_id, RUNS.c.answered)

APPROVALS = Table(
    "channel_approvals",
    METADATA,
    Column("approval_id", String(64), primary_key=True),
    Column("channel_id", String(36), primary_key=True),
    Column("outbox_id", String(36), nullable=False),
    Column("open", Boolean, nullable=False),
)
