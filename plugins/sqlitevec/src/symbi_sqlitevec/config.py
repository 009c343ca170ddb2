"""The settings of the built-in vector backend."""

from __future__ import annotations

import msgspec

__all__ = ["SqlitevecConfig"]


class SqlitevecConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.sqlitevec]`."""

    cache_bytes: int = 512 * 1024 * 1024
    """How much memory the vectors of the owners that were searched last may take; what does not fit is read again."""
