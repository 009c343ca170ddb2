"""The bounds of what is read, so that no text can cost more than it should (spec `dsl.md` §15)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DEFAULT_LIMITS", "Limits"]


class Limits(NamedTuple):
    """Bounds on one text; lengths are in code points, `source` in UTF-8 bytes."""

    source: int = 1_048_576
    nesting: int = 100
    height: int = 256
    errors: int = 20
    string: int = 262_144
    number: int = 40
    entries: int = 10_000
    items: int = 5_000


DEFAULT_LIMITS = Limits()
