"""Which files a command means, and what is in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from symbi_dsl.syntax.source import visible

__all__ = ["SUFFIXES", "Unreadable", "find_files", "read_bytes", "shown_path"]

SUFFIXES = (".symbi", ".dsl")
_SKIPPED = frozenset({"node_modules", "__pycache__"})


class Unreadable(Exception):
    """A path that does not exist or can not be read; the message names it."""


def shown_path(path: str) -> str:
    """Return a path as it can be printed: what is no UTF-8 in it, and what would move a terminal's cursor, is replaced."""
    return visible(os.fsencode(path).decode("utf-8", "replace"))


def find_files(paths: Iterable[str]) -> Iterator[str]:
    """Yield every file that is named, and every agent definition below every folder that is named, each once."""
    seen: set[str] = set()
    for path in paths:
        for found in _below(path) if os.path.isdir(path) else (path,):
            if found not in seen:
                seen.add(found)
                yield found


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                yield os.path.join(place, name)


def read_bytes(path: str, *, most: int) -> bytes:
    """Return the bytes of a file, one more than `most` if it is larger; raises `Unreadable`."""
    try:
        if not os.path.isfile(path):
            raise Unreadable(
                f"{shown_path(path)}: {'not a regular file' if os.path.exists(path) else 'no such file or folder'}"
            )
        with Path(path).open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise Unreadable(f"{shown_path(path)}: {error.strerror or error}") from None
