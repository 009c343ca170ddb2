"""The record store: one transaction helper over SQLite or PostgreSQL, and the migrations of every plugin's tables.

Names load on first use, so that importing this package costs nothing until somebody opens a store or declares a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbi.store.columns import Json, ms
    from symbi.store.migrations import baseline
    from symbi.store.statements import insert_ignore, next_seq, upsert
    from symbi.store.store import Store

__all__ = ["Json", "Store", "baseline", "insert_ignore", "ms", "next_seq", "upsert"]

_HOMES = {
    "Json": "symbi.store.columns",
    "Store": "symbi.store.store",
    "baseline": "symbi.store.migrations",
    "insert_ignore": "symbi.store.statements",
    "ms": "symbi.store.columns",
    "next_seq": "symbi.store.statements",
    "upsert": "symbi.store.statements",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
