"""The limits of one scan; what they cut off is a finding, never a pass."""

from __future__ import annotations

import msgspec

__all__ = ["Limits"]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes in bytes, times in seconds; each applies to one scan."""

    max_file_bytes: int = 64 << 20
    """A larger file is not read."""
    max_files: int = 200_000
    """Files and folders below one root."""
    max_total_bytes: int = 4 << 30
    max_depth: int = 64
    """Nested folders."""
    max_seconds: float = 600.0
    max_archive_depth: int = 4
    """Archives within archives."""
    max_archive_members: int = 10_000
    max_archive_bytes: int = 256 << 20
    """Unpacked bytes of one archive with everything in it."""
    max_archive_ratio: int = 200
    """Unpacked size by packed size, from one MiB on."""
    max_findings: int = 20_000
