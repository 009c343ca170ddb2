"""Writes pieces as lines: indented by the brackets that are open, broken where the marks or the author say."""

from __future__ import annotations

from symbi_dsl.formatter.long_lines import WIDTH, split_line, width_of
from symbi_dsl.formatter.marks import BLANK, BREAK, CLOSE, JOIN, Marks
from symbi_dsl.formatter.pieces import Piece
from symbi_dsl.formatter.spacing import needs_space

__all__ = ["write"]

_CLOSERS = frozenset({")", "]", "}"})
_OPENERS = frozenset({"(", "[", "{"})
_FRESH = frozenset({"{", "[", "(", ",", ";"})
_STEP = 4


class _Writer:
    """The lines so far, and the brackets that are open: the indent of the line that opened each."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.lines: list[str] = []
        self.line: list[tuple[Piece, int]] = []
        self.indent = 0
        self.open: list[int] = []
        self.last: Piece | None = None
        self.before: Piece | None = None
        self.code: Piece | None = None

    def add(self, piece: Piece, breaks: int) -> None:
        """Write one piece, after as many line breaks."""
        if breaks and self.last is not None:
            self.flush()
            if breaks > 1:
                self.lines.append("")
            self.indent = self._indent(piece)
        kind = piece.kind
        space = 0
        if self.line and self.last is not None and needs_space(self.before, self.last, piece):
            space = piece.gap
        self.line.append((piece, space))
        if kind in _CLOSERS:
            if self.open:
                self.open.pop()
        elif kind in _OPENERS:
            self.open.append(self.indent)
        if kind != "comment":
            self.code = piece
        self.before, self.last = self.last, piece

    def _indent(self, piece: Piece) -> int:
        if piece.kind in _CLOSERS:
            return self.open[-1] if self.open else 0
        base = self.open[-1] + _STEP if self.open else 0
        return base + _STEP if self._continues(piece) else base

    def _continues(self, piece: Piece) -> bool:
        """Tell whether a line goes on with what the line before began."""
        if piece.start in self.marks.begins or piece.comment:
            return False
        last = self.code
        return last is not None and last.kind not in _FRESH

    def flush(self) -> None:
        """End the line."""
        if self.line:
            if width_of(self.line, self.indent) > WIDTH:
                self.lines.extend(split_line(self.line, self.indent, self.marks.blocks))
            else:
                self.lines.append(" " * self.indent + "".join(" " * s + p.text for p, s in self.line))
        self.line = []


def write(items: list[Piece], marks: Marks) -> str:
    """Return the text of the pieces."""
    writer = _Writer(marks)
    forces = _forces(items, marks)
    previous: Piece | None = None
    for piece, force in zip(items, forces, strict=True):
        writer.add(piece, _breaks(previous, piece, force))
        previous = piece
    writer.flush()
    return "\n".join(writer.lines) + "\n" if writer.lines else ""


def _forces(items: list[Piece], marks: Marks) -> list[str | None]:
    """Return the mark of each piece; one that asks for a blank line passes it on to the comments right before it."""
    forces = [None if piece.comment else marks.force.get(piece.start) for piece in items]
    for at, force in enumerate(forces):
        if force not in (BLANK, BREAK, CLOSE):
            continue
        first = at
        while first > 0 and items[first - 1].comment and items[first - 1].breaks:
            first -= 1
        if first != at and force == BLANK:
            forces[first] = BLANK if first else BREAK
            for inner in range(first + 1, at):
                forces[inner] = BREAK
            forces[at] = CLOSE
    return forces


def _breaks(previous: Piece | None, piece: Piece, force: str | None) -> int:
    if previous is None:
        return 0
    breaks = piece.breaks
    if previous.kind == "{" or piece.kind == "}":
        breaks = min(breaks, 1)
    if force == BLANK:
        breaks = 2
    elif force == CLOSE:
        breaks = 1
    elif force == BREAK:
        breaks = max(1, breaks)
    elif force == JOIN:
        breaks = 0
    if previous.to_line_end:
        return max(1, breaks)
    return breaks
