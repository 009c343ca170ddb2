"""The first tables: held actions and votes."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "approvals_0001"
down_revision = None

upgrade = baseline("symbi_approvals.tables:METADATA")
