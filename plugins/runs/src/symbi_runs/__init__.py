"""Durable runs: queued, claimed, watched, journaled, ended; every effect behind the gate."""

from __future__ import annotations

__all__: list[str] = []
