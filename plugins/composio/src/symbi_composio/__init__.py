"""Tools of Composio, pinned and gated."""

from __future__ import annotations

__all__: list[str] = []
