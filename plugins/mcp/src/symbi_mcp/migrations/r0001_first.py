"""The first table: pinned definitions."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "mcp_0001"
down_revision = None

upgrade = baseline("symbi_mcp.tables:METADATA")
