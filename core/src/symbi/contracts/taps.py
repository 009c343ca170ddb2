"""Taps of the event bus: listeners that are called at once, for what takes microseconds and happens with every request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Taps"]

E = TypeVar("E")
_log = logging.getLogger("symbi.events")


class Taps(dict[type, list[Callable[[Any], None]]]):
    """Listeners by the exact type of event; one that fails is logged and hinders nobody."""

    def add(self, event: type[E], look: Callable[[E], None]) -> Callable[[], None]:
        """Call `look` at once for each event of exactly this type; return the undo. It holds up the publisher, so it must be quick."""
        self.setdefault(event, []).append(look)
        return lambda: self[event].remove(look)

    def call(self, event: Any) -> None:
        """Show the event to its listeners; never raises."""
        for look in self.get(type(event), ()):
            try:
                look(event)
            except Exception:
                _log.exception("tap %s failed on %s", getattr(look, "__qualname__", "?"), type(event).__name__)
