"""Breaks lines that are too long at the commas inside their widest brackets."""

from __future__ import annotations

from symbi_dsl.formatter.pieces import Piece

__all__ = ["WIDTH", "split_line", "width_of"]

WIDTH = 100
_STEP = 4
_PAIRS = {"(": ")", "[": "]", "{": "}"}
Line = list[tuple[Piece, int]]


def width_of(line: Line, indent: int) -> int:
    """Return the columns of a line without a comment at its end; 0 for one that holds a break of its own."""
    if any("\n" in piece.text for piece, _ in line):
        return 0
    code = line[:-1] if line and line[-1][0].comment else line
    return indent + sum(len(piece.text) + space for piece, space in code)


def split_line(line: Line, indent: int, blocks: set[int]) -> list[str]:
    """Return the lines that take the place of one; the same one where nothing can be broken."""
    ready: list[str] = []
    waiting: list[tuple[Line, int]] = [(line, indent)]
    while waiting:
        current, at = waiting.pop()
        parts = _split(current, at, blocks) if width_of(current, at) > WIDTH else None
        if parts is None:
            ready.append(_text(current, at))
        else:
            waiting.extend(reversed(parts))
    return ready


def _text(line: Line, indent: int) -> str:
    return " " * indent + "".join(
        (" " * space if number else "") + piece.text for number, (piece, space) in enumerate(line)
    )


def _split(line: Line, indent: int, blocks: set[int]) -> list[tuple[Line, int]] | None:
    pair = _widest(line, blocks)
    if pair is None:
        return _at_commas(line, indent)
    first, last = pair
    parts: list[tuple[Line, int]] = [(line[: first + 1], indent)]
    parts.extend((item, indent + _STEP) for item in _items(line[first + 1 : last]))
    parts.append((line[last:], indent))
    return parts


def _widest(line: Line, blocks: set[int]) -> tuple[int, int] | None:
    """Return where the widest pair of brackets that can be broken begins and ends."""
    best: tuple[int, int] | None = None
    most = 0
    stack: list[int] = []
    for at, (piece, _) in enumerate(line):
        if piece.kind in _PAIRS:
            stack.append(at)
        elif piece.kind in _PAIRS.values():
            if not stack:
                continue
            first = stack.pop()
            inside = sum(len(inner.text) + space for inner, space in line[first + 1 : at])
            opener = line[first][0]
            usable = opener.start not in blocks and not opener.typed and at > first + 1
            if usable and not stack and inside > most:
                best, most = (first, at), inside
    return best


def _items(line: Line) -> list[Line]:
    found: list[Line] = [[]]
    depth = 0
    for piece, space in line:
        found[-1].append((piece, space))
        depth += (piece.kind in _PAIRS) - (piece.kind in _PAIRS.values())
        if piece.kind == "," and depth == 0:
            found.append([])
    return [item for item in found if item]


def _at_commas(line: Line, indent: int) -> list[tuple[Line, int]] | None:
    items = _items(line)
    if len(items) < 2 or line[0][0].text not in ("with",):
        return None
    return [(item, indent + (_STEP if number else 0)) for number, item in enumerate(items)]
