"""Configuration of the exporter `file`."""

from __future__ import annotations

import msgspec

__all__ = ["FileConfig"]


class FileConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.file]`."""

    path: str = "metrics.json"
    """Where the newest snapshot stands; a relative path is inside the data directory."""
    pretty: bool = True
    """Whether the JSON is indented."""
    readable_by_others: bool = True
    """Whether other users may read it (0644 within the umask), or only this one (0600)."""
    fsync: bool = True
    """Whether a snapshot is on the disk before it counts as exported."""
    history: str = ""
    """A file that every snapshot is appended to as one JSON line; empty means none."""
    history_max_bytes: int = 16_777_216
    """At this size the history is moved to `<history>.1` and begun anew."""
    history_files: int = 3
    """How many old histories are kept."""
