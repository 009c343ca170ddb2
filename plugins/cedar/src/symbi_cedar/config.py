"""The settings of the Cedar engine: bounds on what a request may carry."""

from __future__ import annotations

import msgspec

__all__ = ["CedarConfig"]


class CedarConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.cedar]`: arguments beyond these bounds are denied, never cut."""

    max_arguments_bytes: int = 262_144
    max_depth: int = 16
    max_text_bytes: int = 65_536
    """A longer text is replaced by `{sha256, size}` before policies see it."""
    cache_entries: int = 2_048
    """How many parsed entity sets are kept."""
