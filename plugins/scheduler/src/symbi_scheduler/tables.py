"""Tables of schedules, fires, deliveries and calendars; times are integer milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

from symbi.contracts.delivery import DeliverySpec
from symbi.contracts.principal import Principal
from symbi.store import Json, ms

__all__ = ["CALENDARS", "FIRES", "METADATA", "NODES", "OUTBOX", "SCHEDULES"]

METADATA = MetaData()

SCHEDULES = Table(
    "scheduler_schedules",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("key", String(400), unique=True),
    Column("source", String(300)),
    Column("name", String(200), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("expression", String(256), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("dst_gap", String(8), nullable=False),
    Column("dst_overlap", String(8), nullable=False),
    Column("day_match", String(3), nullable=False),
    Column("anchor", ms(), nullable=False),
    Column("start_at", ms()),
    Column("end_at", ms()),
    Column("max_fires", Integer),
    Column("calendar", String(100)),
    Column("calendar_mode", String(12), nullable=False),
    Column("on_excluded", String(24), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("owner", Json(Principal), nullable=False),
    Column("policy_ids", Json(tuple[str, ...]), nullable=False),
    Column("input", Json()),
    Column("options", Text, nullable=False),
    Column("delivery", Json(tuple[DeliverySpec, ...]), nullable=False),
    Column("fail_fast", Boolean, nullable=False),
    Column("one_shot", Boolean, nullable=False),
    Column("digest", String(64)),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_due", ms()),
    Column("last_run", ms()),
    Column("last_due", ms(), nullable=False),
    Column("fires", Integer, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("active", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failures_total", Integer, nullable=False),
    Column("zone_data", String(20), nullable=False),
    Column("created_at", ms(), nullable=False),
    Column("updated_at", ms(), nullable=False),
)
Index(
    "scheduler_schedules_due",
    SCHEDULES.c.next_due,
    sqlite_where=text("state = 'active' AND next_due IS NOT NULL"),
    postgresql_where=text("state = 'active' AND next_due IS NOT NULL"),
)
Index(
    "scheduler_schedules_exhausted",
    SCHEDULES.c.id,
    sqlite_where=text("state = 'active' AND next_due IS NULL"),
    postgresql_where=text("state = 'active' AND next_due IS NULL"),
)
Index("scheduler_schedules_source", SCHEDULES.c.source)
Index("scheduler_schedules_created", SCHEDULES.c.created_at)

FIRES = Table(
    "scheduler_fires",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("schedule_id", String(36), nullable=False),
    Column("scheduled_for", ms(), nullable=False),
    Column("trigger", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String(18), nullable=False),
    Column("slot", Boolean, nullable=False),
    Column("not_before", ms(), nullable=False),
    Column("reason", Text, nullable=False),
    Column("node", String(100)),
    Column("lease_until", ms()),
    Column("fence", Integer, nullable=False),
    Column("run_id", String(64)),
    Column("approval_id", String(64)),
    Column("input", Json()),
    Column("principal", Json(Principal)),
    Column("error", Json()),
    Column("missed", Integer, nullable=False),
    Column("last_scheduled_for", ms()),
    Column("created_at", ms(), nullable=False),
    Column("started_at", ms()),
    Column("completed_at", ms()),
)
Index("scheduler_fires_history", FIRES.c.schedule_id, FIRES.c.created_at)
Index(
    "scheduler_fires_open",
    FIRES.c.state,
    FIRES.c.not_before,
    sqlite_where=text("completed_at IS NULL"),
    postgresql_where=text("completed_at IS NULL"),
)
Index(
    "scheduler_fires_dead",
    FIRES.c.schedule_id,
    sqlite_where=text("state = 'dead_letter'"),
    postgresql_where=text("state = 'dead_letter'"),
)
Index(
    "scheduler_fires_run",
    FIRES.c.run_id,
    sqlite_where=text("run_id IS NOT NULL"),
    postgresql_where=text("run_id IS NOT NULL"),
)

OUTBOX = Table(
    "scheduler_outbox",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("fire_id", String(36), nullable=False),
    Column("position", Integer, nullable=False),
    Column("spec", Json(DeliverySpec), nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("fail_fast", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", ms(), nullable=False),
    Column("lease_until", ms()),
    Column("status_code", Integer),
    Column("error", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("delivered_at", ms()),
)
Index(
    "scheduler_outbox_due",
    OUTBOX.c.next_try,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)
Index("scheduler_outbox_fire", OUTBOX.c.fire_id, OUTBOX.c.position, unique=True)

CALENDARS = Table(
    "scheduler_calendars",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("dates", Json(tuple[str, ...]), nullable=False),
    Column("weekdays", Json(tuple[int, ...]), nullable=False),
    Column("updated_at", ms(), nullable=False),
)

NODES = Table(
    "scheduler_nodes",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("started_at", ms(), nullable=False),
    Column("seen_at", ms(), nullable=False),
    Column("runs", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("denied", Integer, nullable=False),
    Column("total_ms", ms(), nullable=False),
    Column("longest_ms", ms(), nullable=False),
)
