"""Walking a folder: every entry, in order, never through a link, never into a device."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Entry", "read_regular", "walk"]


class Entry(NamedTuple):
    """One file of a tree: its name below the root with `/`, and what to say if it cannot be scanned."""

    name: str
    path: str
    problem: str = ""
    reason: str = ""
    inside: bool = False


def walk(root: Path, *, max_files: int, max_depth: int, excludes: tuple[str, ...] = ()) -> Iterator[Entry]:
    """Yield the files below `root` sorted by name, links and specials as problems; more than `max_files` ends with an `over-limit` entry."""
    base = os.path.realpath(root)
    count = 0
    todo: list[tuple[str, str, int]] = [(base, "", 0)]
    while todo:
        folder, prefix, depth = todo.pop()
        try:
            entries = []
            with os.scandir(folder) as scan:
                for entry in scan:
                    entries.append(entry)
                    if count + len(entries) > max_files:
                        yield Entry(prefix.rstrip("/") or ".", folder, "over-limit", f"more than {max_files} files")
                        return
        except OSError as error:
            yield Entry(prefix.rstrip("/") or ".", folder, "unreadable", _why(error))
            continue
        count += len(entries)
        entries.sort(key=lambda entry: entry.name)
        folders = []
        for entry in entries:
            name = prefix + _printable(entry.name)
            if _excluded(name, excludes):
                continue
            if entry.is_symlink():
                yield _link(base, name, entry.path)
            elif entry.is_dir(follow_symlinks=False):
                if depth >= max_depth:
                    yield Entry(name, entry.path, "over-limit", f"more than {max_depth} nested folders")
                else:
                    folders.append((entry.path, name + "/", depth + 1))
            elif entry.is_file(follow_symlinks=False):
                yield Entry(name, entry.path)
            else:
                yield Entry(name, entry.path, "unreadable", "it is no regular file")
        todo.extend(reversed(folders))


def read_regular(path: str | Path, *, limit: int) -> tuple[bytes, str, str]:
    """Return content, problem and reason; never follows a link, never waits for a pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        return b"", "unreadable", _why(error)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return b"", "unreadable", "it is no regular file"
        if status.st_size > limit:
            return b"", "over-limit", f"{status.st_size} bytes, more than {limit}"
        content = os.read(handle, status.st_size + 1)
        if len(content) == status.st_size:
            return content, "", ""
        parts = [content]
        size = len(content)
        while part := os.read(handle, 1 << 20):
            parts.append(part)
            size += len(part)
            if size > limit:
                return b"", "over-limit", f"more than {limit} bytes"
        return b"".join(parts), "", ""
    except OSError as error:
        return b"", "unreadable", _why(error)
    finally:
        os.close(handle)


def _excluded(name: str, excludes: tuple[str, ...]) -> bool:
    from fnmatch import fnmatch

    return any(fnmatch(name, pattern) or fnmatch(name.rsplit("/", 1)[-1], pattern) for pattern in excludes)


def _link(base: str, name: str, path: str) -> Entry:
    target = os.path.realpath(path)
    if not os.path.exists(target):
        return Entry(name, path, "symlink-outside", "the link leads nowhere")
    if target == base or target.startswith(base + os.sep):
        return Entry(name, path, "", "link to a file of this tree", inside=True)
    return Entry(name, path, "symlink-outside", "the link leaves the tree")


def _why(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
