"""The parts of a Python source worth parsing: functions, and the code of the module itself, that hold a call and a reason to doubt it."""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from symbi_skills.text.pyview import python_view

__all__ = ["suspicious_calls"]

_SMALL = 4_000
_TOP = re.compile(r"^(?:async[ \t]+def|def|class)\b", re.MULTILINE)
_NEXT_TOP = re.compile(r"^[^\s#)\]}]", re.MULTILINE)
_METHOD = re.compile(r"^([ \t]+)(?:async[ \t]+)?def\b", re.MULTILINE)
_PRELUDE = re.compile(
    r"^(?:import[ \t]|from[ \t]+[\w.]+[ \t]+import[ \t]+[\w, \t]+$|[A-Za-z_]\w*[ \t]*=[ \t]*[bru]?[\"'][^\n]*[\"'][ \t]*$)[^\n]*",
    re.MULTILINE,
)


class _Part(NamedTuple):
    start: int
    text: str
    lines: frozenset[int]


def suspicious_calls(source: str, calls: set[int], reasons: set[int]) -> Iterator[tuple[int, str]]:
    """Yield 0-based lines and texts as `python_view` does, from the parts that hold one of `calls` and one of `reasons`."""
    wanted = {line + shift for line in calls | reasons for shift in (-1, 0, 1)}
    if len(source) <= _SMALL:
        yield from python_view(source, set(range(source.count("\n") + 1))) or ()
        return
    prelude = "\n".join(match.group() for match in _PRELUDE.finditer(source))
    for part in _parts(source, calls):
        if part.lines & reasons:
            found = python_view(part.text, {line - part.start for line in wanted}, prelude=prelude)
            if found is None:
                yield from python_view(source, wanted) or ()
                return
            for line, text in found:
                yield part.start + line, text


def _parts(source: str, calls: set[int]) -> Iterator[_Part]:
    starts = [0, *(match.end() for match in re.finditer("\n", source))]
    inside: set[int] = set()
    position = 0
    while top := _TOP.search(source, position):
        following = _NEXT_TOP.search(source, top.end() + 1)
        end = following.start() if following else len(source)
        first, last = (
            bisect_right(starts, top.start()) - 1,
            bisect_right(starts, end) - 1 if end < len(source) else len(starts),
        )
        inside.update(range(first, last))
        wanted = calls & set(range(first, last))
        if wanted:
            yield from _blocks(source, first, last, starts, wanted, is_class=top.group() == "class")
        position = end
    if calls - inside:
        lines = source.split("\n")
        kept = "\n".join("" if number in inside else line for number, line in enumerate(lines))
        yield _Part(0, kept, frozenset(range(len(lines))) - inside)


def _blocks(
    source: str, first: int, last: int, starts: list[int], wanted: set[int], *, is_class: bool
) -> Iterator[_Part]:
    """Yield the function, or of a class the methods, that hold the wanted lines."""
    end = starts[last] if last < len(starts) else len(source)
    whole = source[starts[first] : end]
    if not is_class:
        yield _Part(first, whole, frozenset(range(first, last)))
        return
    methods = [
        whole.count("\n", 0, match.start()) + first
        for match in _METHOD.finditer(whole)
        if len(match.group(1).expandtabs()) <= 4
    ]
    bounds = [*methods, last]
    rest = wanted - set(range(methods[0], last)) if methods else wanted
    if rest:
        yield _Part(first, whole, frozenset(range(first, last)))
        return
    for low, high in pairwise(bounds):
        if wanted & set(range(low, high)):
            text = textwrap.dedent(source[starts[low] : starts[high] if high < len(starts) else len(source)])
            yield _Part(low, text, frozenset(range(low, high)))
