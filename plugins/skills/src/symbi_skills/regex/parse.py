"""Reading an expression: Python's own parser, held to what a linear-time engine can do."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from symbi_skills.regex.nodes import MAX_CODE, WORD, Alt, Assert, Cat, Chars, Node, Rep, invert, normalise

__all__ = ["RegexError", "parse"]

_SPACE = [(9, 9), (12, 13), (32, 32)]
_DIGIT = [(48, 57)]
_MAX_LENGTH = 8_000
_MAX_REPEAT = 200
_CATEGORIES = {
    op.CATEGORY_DIGIT: _DIGIT,
    op.CATEGORY_NOT_DIGIT: invert(_DIGIT),
    op.CATEGORY_SPACE: _SPACE,
    op.CATEGORY_NOT_SPACE: invert(_SPACE),
    op.CATEGORY_WORD: list(WORD),
    op.CATEGORY_NOT_WORD: invert(list(WORD)),
}
_POSITIONS = {
    op.AT_BEGINNING: "^",
    op.AT_BEGINNING_LINE: "^",
    op.AT_END: "$",
    op.AT_END_LINE: "$",
    op.AT_BOUNDARY: "b",
    op.AT_NON_BOUNDARY: "B",
}
_REFUSED = {
    op.ASSERT: "look-around",
    op.ASSERT_NOT: "look-around",
    op.GROUPREF: "a back-reference",
    op.GROUPREF_EXISTS: "a conditional group",
}


class RegexError(ValueError):
    """An expression that cannot be read, or that no linear-time engine can run."""


def parse(regex: str, *, ignore_case: bool = True) -> Node:
    """Return the tree of `regex`; classes never hold the newline, `\\w \\d \\s \\b` are ASCII.

    Raises `RegexError` for bad syntax and for what costs more than linear time.
    """
    if len(regex) > _MAX_LENGTH:
        raise RegexError(f"it is longer than {_MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser.parse(regex, re.ASCII | (re.IGNORECASE if ignore_case else 0))
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(f"it is not a valid expression: {error}") from None
    return _Reader(fold=bool(tree.state.flags & re.IGNORECASE)).sequence(tree)


class _Reader:
    def __init__(self, *, fold: bool) -> None:
        self.fold = fold

    def sequence(self, items: Iterable[Any]) -> Node:
        nodes = tuple(self.item(code, argument) for code, argument in items)
        return nodes[0] if len(nodes) == 1 else Cat(nodes)

    def item(self, code: Any, argument: Any) -> Node:
        if code in _REFUSED:
            raise RegexError(f"it uses {_REFUSED[code]}, which no linear-time engine can run")
        if code is op.LITERAL:
            return self.chars([(argument, argument)])
        if code is op.NOT_LITERAL:
            return Chars(normalise(invert(self.folded([(argument, argument)]))))
        if code is op.ANY:
            return Chars(normalise([(0, MAX_CODE)]))
        if code is op.IN:
            return self.char_class(argument)
        if code in (op.MAX_REPEAT, op.MIN_REPEAT):
            return self.repeat(*argument)
        if code is op.BRANCH:
            return Alt(tuple(self.sequence(branch) for branch in argument[1]))
        if code is op.SUBPATTERN:
            _, add_flags, del_flags, body = argument
            fold = (self.fold or bool(add_flags & re.IGNORECASE)) and not del_flags & re.IGNORECASE
            return _Reader(fold=fold).sequence(body)
        if code is op.AT and argument in _POSITIONS:
            return Assert(_POSITIONS[argument])
        raise RegexError(f"it uses {str(code).lower()}, which a rule over one line has no use for")

    def repeat(self, low: int, high: Any, body: Any) -> Node:
        node = self.sequence(body)
        limit = None if high is op.MAXREPEAT else int(high)
        if max(low, limit or 0) > _MAX_REPEAT:
            raise RegexError(f"it repeats something more than {_MAX_REPEAT} times; use * or + instead")
        return Rep(node, low, limit)

    def char_class(self, members: Any) -> Node:
        negated, ranges = False, []
        for code, argument in members:
            if code is op.NEGATE:
                negated = True
            elif code is op.LITERAL:
                ranges.append((argument, argument))
            elif code is op.RANGE:
                ranges.append(argument)
            else:
                ranges.extend(_CATEGORIES[argument])
        ranges = self.folded(ranges)
        return Chars(normalise(invert(ranges) if negated else ranges))

    def chars(self, ranges: list[tuple[int, int]]) -> Node:
        if ranges == [(10, 10)]:
            raise RegexError("it matches a newline, but a rule sees one logical line; use Nearby for more lines")
        return Chars(normalise(self.folded(ranges)))

    def folded(self, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Add the other case of every letter; letters outside ASCII only where they stand alone."""
        if not self.fold:
            return ranges
        extra = []
        for low, high in ranges:
            for first, last, shift in ((65, 90, 32), (97, 122, -32)):
                if low <= last and high >= first:
                    extra.append((max(low, first) + shift, min(high, last) + shift))
            if low == high > 127:
                extra.extend(
                    (ord(other), ord(other)) for other in (chr(low).lower(), chr(low).upper()) if len(other) == 1
                )
        return [*ranges, *extra]
