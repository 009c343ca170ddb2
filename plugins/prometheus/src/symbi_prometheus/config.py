"""Configuration of the exporter `textfile`."""

from __future__ import annotations

import msgspec

__all__ = ["TextfileConfig"]


class TextfileConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.textfile]`."""

    path: str = "symbi.prom"
    """Where the file stands; a relative path is inside the data directory."""
