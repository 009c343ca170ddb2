"""Runs agents in bubblewrap sandboxes: tier 1."""

from __future__ import annotations

__all__: list[str] = []
