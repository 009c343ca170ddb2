"""Line numbers of byte offsets, counted only when somebody asks."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

__all__ = ["Lines"]

_BREAK = re.compile(b"\n")


class Lines:
    """The lines of one text, parted by LF alone (a CR before it belongs to the break)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._starts: array[int] | None = None

    @property
    def starts(self) -> array[int]:
        """The offset of each line."""
        if self._starts is None:
            self._starts = array("L", (0,))
            self._starts.extend(match.end() for match in _BREAK.finditer(self.data))
        return self._starts

    def number(self, offset: int) -> int:
        """Return the 0-based number of the line at `offset`."""
        return bisect_right(self.starts, offset) - 1

    def line(self, number: int) -> bytes:
        """Return one line without its break."""
        starts = self.starts
        end = starts[number + 1] - 1 if number + 1 < len(starts) else len(self.data)
        return self.data[starts[number] : end].rstrip(b"\r")

    def __len__(self) -> int:
        return len(self.starts)
