"""Settings of the static analyzer: `[plugins.static]`."""

from __future__ import annotations

import msgspec

__all__ = ["StaticConfig"]


class StaticConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many children work at once, and how long one analysis may take (seconds of wall clock)."""

    children: int = 2
    deadline_seconds: float = 10.0
