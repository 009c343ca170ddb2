"""Chunkers: a text in pieces, each with its place in the text; `text[start:end]` is the piece (CTX-40)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from symbi.contracts.errors import InvalidRequest

__all__ = ["CHUNKERS", "Span", "chunk"]

Span = tuple[int, int]

TARGET = 700
"""Characters of a chunk, about; a chunk is never longer than twice this."""
_OVERLAP = 80
_PARAGRAPH = re.compile(r"\n[ \t]*\n+")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"')\]]*\s+|\n{2,}")
_HEADING = re.compile(r"^(#{1,6} .+|=+|-{3,})$", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?=(?:async def|def|class|fn|func|function|public|private|impl|struct|agent|policy|export|@)\b)", re.MULTILINE
)


def chunk(text: str, name: str) -> list[Span]:
    """Return the places of the pieces, in order, none empty; raises `InvalidRequest` for a chunker that does not exist."""
    chunker = CHUNKERS.get(name)
    if chunker is None:
        raise InvalidRequest(
            f"{name!r} is no chunker", hint=f"one of {', '.join(CHUNKERS)}", details={"field": "chunker"}
        )
    return [span for span in (_trimmed(text, each) for each in chunker(text)) if span[0] < span[1]]


def _fixed(text: str) -> Iterator[Span]:
    """Yield pieces of equal length that overlap, cut between words where there is one near."""
    start = 0
    while start < len(text):
        end = min(len(text), start + TARGET)
        if end < len(text):
            space = text.rfind(" ", start + TARGET // 2, end)
            end = space if space > 0 else end
        yield start, end
        if end >= len(text):
            return
        start = max(end - _OVERLAP, start + 1)


def _parts(text: str, boundary: re.Pattern[str]) -> list[Span]:
    """Return the places between the boundaries; a boundary of no width begins a piece."""
    cuts = [0]
    for match in boundary.finditer(text):
        cuts.append(match.end() if match.end() > match.start() else match.start())
    cuts.append(len(text))
    return [(start, end) for start, end in pairwise(cuts) if start < end]


def _gathered(text: str, parts: list[Span]) -> Iterator[Span]:
    """Yield neighbouring parts together up to the target; a part that is too long alone is cut."""
    start = end = -1
    for part_start, part_end in parts:
        if start >= 0 and part_end - start > TARGET:
            yield from _bounded(text, (start, end))
            start = -1
        if start < 0:
            start = part_start
        end = part_end
    if start >= 0:
        yield from _bounded(text, (start, end))


def _bounded(text: str, span: Span) -> Iterator[Span]:
    start, end = span
    if end - start <= 2 * TARGET:
        yield span
        return
    for inner_start, inner_end in _fixed(text[start:end]):
        yield start + inner_start, start + inner_end


def _paragraph(text: str) -> Iterator[Span]:
    yield from _gathered(text, _parts(text, _PARAGRAPH))


def _sentence(text: str) -> Iterator[Span]:
    yield from _gathered(text, _parts(text, _SENTENCE))


def _semantic(text: str) -> Iterator[Span]:
    """Yield pieces that follow the text's own structure: sections of Markdown, definitions of code, then paragraphs."""
    boundary = _HEADING if _HEADING.search(text) else _BLOCK
    starts = sorted({0, *(match.start() for match in boundary.finditer(text)), len(text)})
    for start, end in pairwise(starts):
        for inner_start, inner_end in _gathered(text[start:end], _parts(text[start:end], _PARAGRAPH)):
            yield start + inner_start, start + inner_end


def _trimmed(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


CHUNKERS: dict[str, Callable[[str], Iterator[Span]]] = {
    "fixed": _fixed,
    "paragraph": _paragraph,
    "sentence": _sentence,
    "semantic": _semantic,
}
