"""The configuration of the plugin, `[plugins.audit]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

__all__ = ["AuditConfig", "AuditPlaces"]

MIB = 1024 * 1024


class AuditPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log's files are."""

    folder: Path
    anchor: Path


class AuditConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the audit log.

    `strict`: what cannot be recorded must not be done (`append` raises). Without it, lost records are counted, and the count is recorded
    when the log can be written again.
    `directory` and `anchor`: where the segments and the anchor are; empty means `audit/` and `audit.anchor` in the data directory. An
    anchor on another disk, or one that only grows, also shows when the whole folder was replaced.
    `segment_bytes`: a segment is closed at this size. `keep_days`, `keep_bytes`: whole segments older than this, or beyond this size in
    total, are removed, and the removal is recorded; 0 keeps everything.
    `max_details_bytes`: larger details are replaced by their digest and their beginning.
    """

    strict: bool = True
    directory: str = ""
    anchor: str = ""
    segment_bytes: Annotated[int, msgspec.Meta(ge=4096, le=1024 * MIB)] = 32 * MIB
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 400
    keep_bytes: Annotated[int, msgspec.Meta(ge=0)] = 10 * 1024 * MIB
    max_details_bytes: Annotated[int, msgspec.Meta(ge=1024, le=MIB)] = 64 * 1024

    def places(self, data_dir: Path, number: int = 1) -> AuditPlaces:
        """Return where the files of log `number` are; relative settings start at the data directory.

        The first process of a data directory writes log 1; others at the same time write `audit-2/`, `audit-3/` and so on.
        """
        suffix = "" if number == 1 else f"-{number}"
        folder, anchor = data_dir / (self.directory or "audit"), data_dir / (self.anchor or "audit.anchor")
        return AuditPlaces(
            folder=folder.with_name(folder.name + suffix),
            anchor=anchor.with_name(f"{anchor.stem}{suffix}{anchor.suffix}"),
        )

    def all_places(self, data_dir: Path) -> list[AuditPlaces]:
        """Return the places of every log that is there, by its folder or its anchor, and of the first in any case."""
        logs = [self.places(data_dir, number) for number in range(1, 65)]
        return logs[:1] + [log for log in logs[1:] if log.folder.exists() or log.anchor.exists()]
