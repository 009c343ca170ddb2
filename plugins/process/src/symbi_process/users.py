"""User ids for children of a runtime that is root: one each, so that no run can touch another's files or processes."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import msgspec

from symbi.contracts.errors import CapacityExceeded

__all__ = ["UserPool", "python_is_reachable"]

COUNT = 4096


class UserPool:
    """Hands out user ids from `base` upwards; each is used by one run at a time."""

    def __init__(self, base: int, *, count: int = COUNT) -> None:
        self._free = list(range(base + count - 1, base - 1, -1))

    def take(self) -> int:
        """Return a user id that no run uses; raises `CapacityExceeded`."""
        if not self._free:
            raise CapacityExceeded("every user id kept for agent processes is in use")
        return self._free.pop()

    def give_back(self, user: int) -> None:
        """Let the user id be used again, as late as possible."""
        self._free.insert(0, user)


def python_is_reachable() -> bool:
    """Tell whether other users can reach the interpreter, its library and the installed packages."""
    places = (sys.executable, os.__file__, msgspec.__file__, __file__)
    return all(_lets_others_through(Path(place).resolve()) for place in places if place)


def _lets_others_through(place: Path) -> bool:
    try:
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in place.parents)
    except OSError:
        return False
