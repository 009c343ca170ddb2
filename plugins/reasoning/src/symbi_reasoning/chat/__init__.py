"""Conversations: threads of turns, each answered by a run."""

from __future__ import annotations

__all__: list[str] = []
