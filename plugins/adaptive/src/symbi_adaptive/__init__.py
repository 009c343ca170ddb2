"""What shapes a reasoning loop: curation of tools, stuck-loop detection, context pre-fetch, scoped conventions."""

from __future__ import annotations

__all__: list[str] = []
