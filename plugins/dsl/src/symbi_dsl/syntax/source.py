"""A text and its places: offsets become lines and columns only when somebody asks."""

from __future__ import annotations

import re
from bisect import bisect_right

__all__ = ["Source", "visible"]

_SNIPPET = 80
_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return `text` with tabs as spaces and every control or invisible character escaped."""
    return _HIDDEN.sub(lambda match: " " if match[0] == "\t" else f"\\u{{{ord(match[0]):x}}}", text)


class Source:
    """A text; lines and columns are 1-based, columns count code points."""

    __slots__ = ("_starts", "path", "text")

    def __init__(self, text: str, path: str = "") -> None:
        self.text = text
        self.path = path
        self._starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        """The offsets at which lines begin."""
        if self._starts is None:
            found = [0]
            at = self.text.find("\n")
            while at >= 0:
                found.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._starts = found
        return self._starts

    def line(self, offset: int) -> int:
        """Return the line of an offset."""
        return bisect_right(self.starts, offset)

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """Return one line without its end."""
        starts = self.starts
        end = starts[line] - 1 if line < len(starts) else len(self.text)
        return self.text[starts[line - 1] : end].rstrip("\r")

    def snippet(self, offset: int) -> str:
        """Return the line of an offset, cut to what fits around it, safe to print."""
        line, column = self.position(offset)
        text = self.line_text(line)
        if len(text) > _SNIPPET:
            begin = max(0, min(column - 1 - _SNIPPET // 2, len(text) - _SNIPPET))
            text = text[begin : begin + _SNIPPET]
        return visible(text)[:_SNIPPET]
