"""The first tables: schedules, fires, deliveries, calendars, nodes."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "scheduler_0001"
down_revision = None

upgrade = baseline("symbi_scheduler.tables:METADATA")
