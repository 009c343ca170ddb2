"""The table of answers kept for idempotency keys."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "http_0001"
down_revision = None
branch_labels = ("http",)

upgrade = baseline("symbi.http.tables:METADATA")
