"""Whether a pattern can take exponential time: a repeat inside a repeat with nothing that keeps them apart."""

from __future__ import annotations

import re
import warnings
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["is_explosive"]

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


def is_explosive(pattern: str) -> bool:
    """True for `(a+)+`, `(\\w+\\s?)*`, `(a|aa)+`; false for `(?:\\.[a-z]+)*`, where the dot keeps the repeats apart."""
    if len(pattern) > 2000:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return _search(list(tree), inside=False)


def _search(items: list[Any], *, inside: bool) -> bool:
    for op, value in items:
        if op in _REPEATS:
            _, most, body = value
            body = _open(list(body))
            if most == codes.MAXREPEAT and (_ambiguous(body) or _branches(body)):
                return True
            if _search(body, inside=True):
                return True
        elif (op is codes.SUBPATTERN and _search(list(value[-1]), inside=inside)) or (
            op is codes.BRANCH and any(_search(list(branch), inside=inside) for branch in value[1])
        ):
            return True
    return False


def _open(items: list[Any]) -> list[Any]:
    while len(items) == 1 and items[0][0] is codes.SUBPATTERN:
        items = list(items[0][1][-1])
    return items


def _ambiguous(body: list[Any]) -> bool:
    inner = [_chars(list(value[2])) for op, value in body if op in _REPEATS and value[1] == codes.MAXREPEAT]
    inner += [chars for op, value in body if op is codes.SUBPATTERN for chars in _inner(list(value[-1]))]
    if not inner:
        return False
    reach = set().union(*inner)
    fixed = [
        _chars([(op, value)])
        for op, value in body
        if op in (codes.LITERAL, codes.IN, codes.ANY, codes.NOT_LITERAL, codes.CATEGORY)
    ]
    return not any(chars.isdisjoint(reach) for chars in fixed)


def _inner(items: list[Any]) -> list[set[str]]:
    return (
        [_chars(list(value[2])) for op, value in items if op in _REPEATS and value[1] == codes.MAXREPEAT]
        if _ambiguous(items)
        else []
    )


def _branches(body: list[Any]) -> bool:
    for op, value in body:
        if op is codes.BRANCH and len(body) == 1:
            firsts = [_chars(list(branch)[:1]) for branch in value[1]]
            if any(not firsts[i].isdisjoint(firsts[j]) for i in range(len(firsts)) for j in range(i)):
                return True
    return False


def _chars(items: list[Any]) -> set[str]:
    found: set[str] = set()
    for op, value in items:
        if op is codes.LITERAL:
            found.add(chr(value))
        elif op is codes.ANY or op is codes.NOT_LITERAL:
            found.update(map(chr, range(32, 127)))
        elif op is codes.IN:
            found |= _class(value)
        elif op in _REPEATS:
            found |= _chars(list(value[2]))
        elif op is codes.SUBPATTERN:
            found |= _chars(list(value[-1]))
        elif op is codes.BRANCH:
            found |= set().union(*(_chars(list(branch)) for branch in value[1]))
    return found


def _class(items: list[Any]) -> set[str]:
    found: set[str] = set()
    for op, value in items:
        if op is codes.LITERAL:
            found.add(chr(value))
        elif op is codes.RANGE:
            found.update(map(chr, range(value[0], min(value[1], 0x250) + 1)))
        elif op is codes.CATEGORY:
            name = str(value).lower()
            test = r"\d" if "digit" in name else r"\s" if "space" in name else r"\w"
            hits = {chr(c) for c in range(9, 127) if re.match(test, chr(c))}
            found |= {chr(c) for c in range(9, 127)} - hits if "not_" in name else hits
    if items and items[0][0] is codes.NEGATE:
        return {chr(c) for c in range(9, 127)} - found
    return found
