"""The lines of a text as they will be understood: joined, unmasked, put together. Each keeps the number of the line it begins on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from symbi_skills.text.lines import Lines
from symbi_skills.text.shellvars import expand
from symbi_skills.text.unicode import Foreign, folding_lines, foreign
from symbi_skills.text.unmask import join_words, read_backwards, unmask

__all__ = ["Segment", "segments"]

_COMMENT = re.compile(r"(?<=[|&])\s*#\s.*$")
_MAX_JOIN = 200
_MAX_GROUP = 15
_JOINERS = ("continuation", "open-pipe", "open-group", "caret")
_MASKS = ("split-word", "ifs", "braces", "ansi", "concat", "escape", "percent", "entity", "characters")
Where = Callable[[str], Iterator[int]]


class Segment(NamedTuple):
    """A line as understood: its text, the 0-based number of the line it begins on, and how it was made."""

    text: str
    line: int
    made: str


def segments(lines: Lines, signals: set[str], where: Where) -> Iterator[Segment]:
    """Yield the lines that read otherwise than they are written; `where` tells the lines of a signal."""
    joined: set[int] = set()
    for start, text in _joined(lines, signals, where):
        joined.add(start)
        yield Segment(text, start, "joined lines")
    for number in sorted(_masked(lines, signals, where)):
        text = _text(lines, number)
        plain = unmask(text)
        if plain != text:
            yield Segment(plain, number, "unmasked text")
    yield from _strings(lines, signals, where)
    if "shell-decode" in signals:
        for number in where("shell-decode"):
            yield Segment(read_backwards(_text(lines, number)), number, "reversed text")
    if "variable-command" in signals:
        for number, text in expand(lines, set(where("variable-command"))):
            yield Segment(text, number, "shell variables")


def _text(lines: Lines, number: int) -> str:
    return lines.line(number).decode("utf-8", "replace")


def _masked(lines: Lines, signals: set[str], where: Where) -> set[int]:
    numbers = {number for name in _MASKS if name in signals for number in where(name)}
    if not lines.data.isascii():
        kinds = foreign(lines.data)
        if kinds.folding or kinds.imitating:
            text = lines.data.decode("utf-8", "replace")
            numbers.update(_far(text, kinds))
    return numbers


def _far(text: str, kinds: Foreign) -> Iterator[int]:
    """Yield line numbers of folding characters, counted on from the last one."""
    number = position = 0
    for offset in folding_lines(text, kinds):
        number += text.count("\n", position, offset)
        position = offset
        yield number


def _joined(lines: Lines, signals: set[str], where: Where) -> Iterator[tuple[int, str]]:
    if not signals.intersection(_JOINERS):
        return
    open_lines = {number: name for name in _JOINERS if name in signals for number in where(name)}
    done = -1
    for start in sorted(open_lines):
        if start <= done:
            continue
        parts: list[str] = []
        number = start
        while lines.has(number) and number - start < _MAX_JOIN:
            text = _text(lines, number)
            name = open_lines.get(number)
            if name is None:
                if not text.strip() and parts and open_lines.get(number - 1) != "continuation":
                    open_lines[number] = "open-pipe"
                    number += 1
                    continue
                parts.append(text)
                break
            parts.append(_opened(text, name))
            number += 1
            if name == "open-group" and number - start > _MAX_GROUP:
                break
        done = number
        yield start, "".join(parts)


def _opened(text: str, name: str) -> str:
    stripped = text.rstrip()
    if name in ("continuation", "caret"):
        return stripped[:-1]
    if name == "open-pipe":
        stripped = _COMMENT.sub("", stripped)
    return stripped + " "


def _strings(lines: Lines, signals: set[str], where: Where) -> Iterator[Segment]:
    """Yield string sums and argument lists that span lines, as one line."""
    if "concat-end" in signals:
        open_lines = set(where("concat-end"))
        done = -1
        for start in sorted(open_lines):
            if start > done:
                number = start
                while number in open_lines and number - start < _MAX_JOIN:
                    number += 1
                done = number
                whole = " ".join(
                    _text(lines, part).strip().removesuffix("\\")
                    for part in range(start, number + 1)
                    if lines.has(part)
                )
                yield Segment(whole, start, "joined strings")
    if "argv" in signals:
        for start in where("argv"):
            parts = [_text(lines, start)]
            while len(parts) < _MAX_GROUP and lines.has(start + len(parts)) and parts[-1].rstrip().endswith(","):
                parts.append(_text(lines, start + len(parts)).strip())
            yield Segment(join_words(" ".join(parts)), start, "argument list")
