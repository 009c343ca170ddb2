"""The first tables: threads and their turns."""

from __future__ import annotations

from symbi.store.migrations import baseline

revision = "chat_0001"
down_revision = None

upgrade = baseline("symbi_reasoning.chat.tables:METADATA")
