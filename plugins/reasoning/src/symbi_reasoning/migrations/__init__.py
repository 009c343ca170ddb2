"""Revisions of the tables of conversations."""

from __future__ import annotations

__all__: list[str] = []
