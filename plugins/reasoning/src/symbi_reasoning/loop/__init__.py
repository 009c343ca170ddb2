"""The loop itself, as it runs in the agent host: standard library and msgspec alone."""

from __future__ import annotations

__all__: list[str] = []
