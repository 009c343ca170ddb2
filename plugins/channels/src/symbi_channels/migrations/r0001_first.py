"""The first tables: channels, mappings, inbox, outbox, runs and approvals that are shown in a room."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "channels_0001"
down_revision = None

upgrade = baseline("symbi_channels.tables:METADATA")
