"""The tables of this plugin; times are UTC milliseconds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from symbi.contracts.effects import EffectReply
from symbi.contracts.principal import Principal
from symbi.store import Json, ms

__all__ = ["DEFINITIONS", "EFFECTS", "EVENTS", "KEYS", "MAILBOX", "METADATA", "RUNS"]

METADATA = MetaData()
_COUNTER = BigInteger().with_variant(Integer, "sqlite")

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("agent_id", String(80), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("status", String(12), nullable=False),
    Column("trigger", String(20), nullable=False),
    Column("priority", String(10), nullable=False),
    Column("rank", ms(), nullable=False, comment="queued at, minus the head start of its priority; smallest first"),
    Column("not_before", ms(), nullable=False),
    Column("principal_id", String(200), nullable=False),
    Column("principal", Json(Principal), nullable=False),
    Column("input", Json(), nullable=False),
    Column("result", Json()),
    Column("error", Json(dict[str, Any])),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False, comment="attempts that go on from each other's journal share one"),
    Column("max_attempts", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("restarts", Json(list[int]), nullable=False),
    Column("schedule_id", String(80)),
    Column("scheduled_for", ms()),
    Column("options", Json(dict[str, Any]), nullable=False),
    Column("memory_bytes", BigInteger, nullable=False, comment="what admission reserves"),
    Column("cores", Integer, nullable=False, comment="in thousandths"),
    Column("owner", String(80)),
    Column("lease_until", ms()),
    Column("fence", Integer, nullable=False),
    Column("process", Json(dict[str, Any])),
    Column("wait", Json(dict[str, Any])),
    Column("cancel", Json(dict[str, Any])),
    Column("created_at", ms(), nullable=False),
    Column("started_at", ms()),
    Column("completed_at", ms()),
    Column("usage", Json(dict[str, Any]), nullable=False),
    Index("ix_runs_queue", "status", "rank"),
    Index("ix_runs_agent", "agent_id", "created_at"),
    Index("ix_runs_schedule", "schedule_id", "created_at"),
    Index("ix_runs_created", "created_at"),
)

DEFINITIONS = Table(
    "run_definitions",
    METADATA,
    Column("revision", String(64), primary_key=True),
    Column("language", String(40), nullable=False),
    Column("text", Text, nullable=False),
)
"""The definitions that runs were started with, so that a resumed run goes on with its own after an update."""

EVENTS = Table(
    "run_events",
    METADATA,
    Column("run_id", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", ms(), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("data", Json(dict[str, Any]), nullable=False),
)

EFFECTS = Table(
    "run_effects",
    METADATA,
    Column("run_id", String(36), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("name", String(400), nullable=False),
    Column("hash", String(64), nullable=False, comment="SHA-256 of kind, name and arguments"),
    Column("approval_id", String(80)),
    Column("reply", Json(EffectReply), comment="NULL while it is under way"),
    Column("began_at", ms(), nullable=False),
    Column("ended_at", ms()),
)

KEYS = Table(
    "run_keys",
    METADATA,
    Column("scope", String(64), primary_key=True, comment="SHA-256 of principal, agent and key"),
    Column("fingerprint", String(64), nullable=False, comment="SHA-256 of the input"),
    Column("run_id", String(36), nullable=False),
    Column("created_at", ms(), nullable=False),
    Index("ix_run_keys_created", "created_at"),
)

MAILBOX = Table(
    "run_mailbox",
    METADATA,
    Column("position", _COUNTER, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False),
    Column("agent_id", String(80), nullable=False),
    Column("event_type", String(200), nullable=False),
    Column("payload", Json()),
    Column("principal", Json(Principal), nullable=False),
    Column("status", String(10), nullable=False, comment="pending, taken, done, dead"),
    Column("tries", Integer, nullable=False),
    Column("taken_by", String(80), comment="the run, or the run and the number of its effect"),
    Column("created_at", ms(), nullable=False),
    Column("ended_at", ms()),
    UniqueConstraint("agent_id", "id", name="uq_run_mailbox_id"),
    Index("ix_run_mailbox_open", "agent_id", "status", "position"),
)
