"""The reasoning loop of agents without a body: observe, reason, gate, act."""

from __future__ import annotations

__all__: list[str] = []
