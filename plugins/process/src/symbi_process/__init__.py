"""Runs each agent in its own confined process, which can only ask."""

from __future__ import annotations

__all__: list[str] = []
