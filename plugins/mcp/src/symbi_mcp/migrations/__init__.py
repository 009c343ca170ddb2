"""Revisions of the table of pins."""

from __future__ import annotations

__all__: list[str] = []
