"""Keeping totals from falling: a store that forgets old rows must not make a counter go back (metrics.md §5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Ratchet"]


class Ratchet:
    """Turns readings that may fall into totals that only rise; a fall counts as nothing, what rises after it counts."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def hold(self, name: str, reading: int) -> int:
        """Return the total after this reading; the first reading is where it begins."""
        last = self._last.get(name)
        self._last[name] = reading
        self._total[name] = reading if last is None else self._total[name] + max(0, reading - last)
        return self._total[name]

    def hold_all(self, block: str, figures: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        """Return the figures with those of `names` held."""
        held = {
            name: self.hold(f"{block}.{name}", figures[name]) for name in names if isinstance(figures.get(name), int)
        }
        return {**figures, **held}
