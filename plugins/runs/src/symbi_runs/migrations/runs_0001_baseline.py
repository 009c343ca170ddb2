"""The tables of runs, their journal, their effects and the mailboxes of event-driven agents."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "runs_0001"
down_revision = None
branch_labels = ("runs",)

upgrade = baseline("symbi_runs.tables:METADATA")
