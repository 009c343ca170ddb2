"""Tokens and comments in one list, each with the line breaks before it."""

from __future__ import annotations

from symbi_dsl.formatter.marks import Marks
from symbi_dsl.syntax.parser import Parser

__all__ = ["Piece", "pieces"]

_GAP = 40
_INSERTED = -1
"""The place of a token that is not in the text."""


class Piece:
    """One token or comment as it is written out; `gap` is how many blanks its author put before a comment."""

    __slots__ = ("breaks", "gap", "kind", "start", "text", "typed")

    def __init__(self, kind: str, text: str, start: int, breaks: int, typed: bool) -> None:
        self.kind = kind
        self.text = text
        self.start = start
        self.breaks = breaks
        self.typed = typed
        self.gap = 1

    @property
    def comment(self) -> bool:
        """Tell whether it is a comment."""
        return self.kind == "comment"

    @property
    def to_line_end(self) -> bool:
        """Tell whether nothing can follow it on its line."""
        return self.kind == "comment" and not self.text.startswith("/*")


def pieces(text: str, parser: Parser, marks: Marks) -> list[Piece]:
    """Return what is to be written, in order."""
    typed = set()
    for start, end in marks.types:
        at = marks.index[start]
        while parser.start[at] < end:
            typed.add(parser.start[at])
            at += 1
    parts: list[tuple[int, int, str, str]] = [(start, end, "comment", text[start:end]) for start, end in marks.comments]
    parts.extend((end, _INSERTED, mark, mark) for end, mark in marks.insert.items())
    for kind, word, start, end in zip(parser.kind, parser.text, parser.start, parser.end, strict=True):
        if kind == "end" or start in marks.drop:
            continue
        parts.append((start, end, kind, marks.rename.get(start, word)))
    parts.sort(key=lambda part: (part[0], part[1] != _INSERTED))  # what is inserted comes before what stood there
    found: list[Piece] = []
    last = 0
    for start, end, kind, word in parts:
        if end == _INSERTED:
            found.append(Piece(kind, word, _INSERTED, 0, False))
            continue
        breaks = text.count("\n", last, start) if found else 0
        written = _comment(word) if kind == "comment" else word
        found.append(Piece(kind, written, start, min(breaks, 2), start in typed))
        if kind == "comment" and not breaks:
            before = text[max(last, start - _GAP) : start]
            found[-1].gap = max(1, len(before) - len(before.rstrip(" \t")))
        last = end
    return found


def _comment(word: str) -> str:
    """Return a comment without the white space that ends its line."""
    return word if word.startswith("/*") else word.rstrip()
