"""Line numbers of byte offsets, counted only when somebody asks."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

__all__ = ["Lines"]

_BREAK = re.compile(b"\n")
_COUNTED = 32


class Lines:
    """The lines of one text, parted by LF alone (a CR before it belongs to the break)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._starts: array[int] | None = None
        self._known: dict[int, int] = {}

    @property
    def starts(self) -> array[int]:
        """The offset of each line."""
        if self._starts is None:
            self._starts = array("L", (0,))
            self._starts.extend(match.end() for match in _BREAK.finditer(self.data))
        return self._starts

    def number(self, offset: int) -> int:
        """Return the 0-based number of the line at `offset`; the first few are counted, more are looked up."""
        if self._starts is None and len(self._known) < _COUNTED:
            number = self.data.count(b"\n", 0, offset)
            self._known[number] = self.data.rfind(b"\n", 0, offset) + 1
            following = self.data.find(b"\n", offset) + 1
            if following:
                self._known[number + 1] = following
            return number
        return bisect_right(self.starts, offset) - 1

    def start(self, number: int) -> int:
        """Return the offset of a line."""
        known = self._known.get(number)
        return self.starts[number] if known is None else known

    def line(self, number: int) -> bytes:
        """Return one line without its break."""
        start = self.start(number)
        end = self.data.find(b"\n", start)
        return self.data[start : len(self.data) if end < 0 else end].rstrip(b"\r")

    def has(self, number: int) -> bool:
        """Tell whether there is such a line."""
        return number in self._known or number < len(self.starts)

    def __len__(self) -> int:
        return len(self.starts)
