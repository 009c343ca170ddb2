"""The anchor: the newest checkpoint, kept apart from the log, so that a log that was cut off shows."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from symbi_audit.chain import Checkpoint, canonical

__all__ = ["read_anchor", "sync_folder", "write_anchor"]


def read_anchor(path: Path) -> Checkpoint | None:
    """Return the anchor, or None when there is none; raises `ValueError` when the file holds something else."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=Checkpoint)


def write_anchor(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the anchor at once and durably."""
    fresh = path.with_name(path.name + ".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, canonical(checkpoint) + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(fresh, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
