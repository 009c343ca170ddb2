"""Distributes runs over nodes with Procrastinate on PostgreSQL."""

from __future__ import annotations

__all__: list[str] = []
