"""The telling piece of an expression: small, free of long gaps, and part of every match, so that one fast pass can look for it."""

from __future__ import annotations

from collections.abc import Iterator

from symbi_skills.regex.literals import needed_texts
from symbi_skills.regex.nodes import Alt, Cat, Chars, Node, Rep

__all__ = ["core", "telling"]

_WIDE = 100
_COMMON = frozenset(
    (
        "http",
        "https",
        "request",
        "requests",
        "fetch",
        "socket",
        "sock",
        "connect",
        "inet",
        "read",
        "while",
        "data",
        "function",
        "open",
        "client",
        "session",
        "system",
        "memory",
    )
)
"""Words so frequent in code that looking for another piece costs less."""


def telling(choices: frozenset[str]) -> tuple[bool, int, int]:
    """Return how much it tells that one of these texts stands in a line: whether all are rare, the shortest length, how few they are."""
    return (choices.isdisjoint(_COMMON), min(min(map(len, choices)), 5), -len(choices))


def core(node: Node) -> Node:
    """Return an expression that matches wherever `node` does, and on little else."""
    if isinstance(node, Alt):
        return Alt(tuple(core(item) for item in node.items))
    best: Node | None = None
    best_score = (False, 0, 0)
    for piece in _pieces(node):
        for choices in needed_texts(piece):
            score = telling(choices)
            if best is None or score > best_score:
                best, best_score = piece, score
    return _trim(_relax(best if best is not None else node))


def _flat(node: Node) -> Iterator[Node]:
    if isinstance(node, Cat):
        for item in node.items:
            yield from _flat(item)
    else:
        yield node


def _pieces(node: Node) -> Iterator[Node]:
    run: list[Node] = []
    for item in _flat(node):
        if _is_gap(item):
            if run:
                yield Cat(tuple(run))
            run = []
        else:
            run.append(item)
    if run:
        yield Cat(tuple(run))


def _is_gap(node: Node) -> bool:
    if not isinstance(node, Rep) or (node.high is not None and node.high <= 1):
        return False
    if isinstance(node.item, Chars):
        return node.high is None and sum(high - low + 1 for low, high in node.item.ranges) > _WIDE
    return True


def _relax(node: Node) -> Node:
    """Replace counted repetitions by open ones, which need far fewer states."""
    match node:
        case Cat(items=items):
            return Cat(tuple(map(_relax, items)))
        case Alt(items=items):
            return Alt(tuple(map(_relax, items)))
        case Rep(item=item, low=low, high=high):
            counted = (high is not None and high > 1) or low > 1
            return Rep(_relax(item), min(low, 1), None if counted else high)
        case _:
            return node


def _trim(node: Node) -> Node:
    """Drop what is optional at either end; a search needs it for nothing."""
    match node:
        case Cat(items=items):
            kept = list(items)
            while len(kept) > 1 and isinstance(kept[0], Rep) and kept[0].low == 0:
                kept.pop(0)
            while len(kept) > 1 and isinstance(kept[-1], Rep) and kept[-1].low == 0:
                kept.pop()
            return Cat(tuple(kept))
        case Alt(items=items):
            return Alt(tuple(map(_trim, items)))
        case _:
            return node
