"""The newest segment, open for appending: what is appended is durable, or is not there."""

from __future__ import annotations

import os
from pathlib import Path

from symbi_audit.anchor import sync_folder
from symbi_audit.segments import list_segments, segment_name

__all__ = ["SegmentFile"]


class SegmentFile:
    """Appends to the newest segment of a folder, and goes on to another when that one has `limit` bytes.

    `broken` is set when a failed append could not be undone: then nothing more is appended until a restart has looked at the file.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._fd: int | None = None
        self._size = 0
        self.broken = False

    @property
    def full(self) -> bool:
        """Tell whether the next record belongs to another segment."""
        return self._size >= self._limit

    def open(self, next_seq: int) -> None:
        """Open the newest segment, or make one that begins with record `next_seq`. Raises `OSError`."""
        self.close()
        segments = list_segments(self._folder)
        path = self._folder / segment_name(next_seq)
        if segments and (segments[-1].path.stat().st_size < self._limit or segments[-1].first >= next_seq):
            path = segments[-1].path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._fd).st_size
        sync_folder(self._folder)

    def append(self, content: bytes, *, next_seq: int) -> None:
        """Append durably, or leave the file as it was and raise `OSError`."""
        if self.broken:
            raise OSError("an earlier failure left its end in doubt")
        if self._fd is None:
            self.open(next_seq)
        assert self._fd is not None
        try:
            done = 0
            while done < len(content):
                done += os.write(self._fd, memoryview(content)[done:])
            os.fdatasync(self._fd)
        except OSError:
            self._undo(self._fd)
            raise
        self._size += len(content)

    def close(self) -> None:
        """Close the file; if it is not open, this does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _undo(self, fd: int) -> None:
        try:
            os.ftruncate(fd, self._size)
            os.fdatasync(fd)
        except OSError:
            self.broken = True
