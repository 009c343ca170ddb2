"""Tools of MCP servers, pinned and gated."""

from __future__ import annotations

__all__: list[str] = []
