"""The syntax tree of a line-oriented regular expression."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MAX_CODE", "WORD", "Alt", "Assert", "Cat", "Chars", "Node", "Rep", "invert", "normalise"]

MAX_CODE = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of sorted, disjoint, inclusive ranges; a newline is never among them."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Cat:
    """Everything in `items`, one after the other; without items it is the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of `items`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Rep:
    """`item` at least `low` and at most `high` times (None: any number)."""

    item: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Assert:
    """A condition on a position: `^`, `$`, `b` (word boundary) or `B` (none)."""

    kind: str


Node = Chars | Cat | Alt | Rep | Assert


def normalise(ranges: list[tuple[int, int]]) -> Ranges:
    """Sort and join ranges, and take the newline out."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    result: list[tuple[int, int]] = []
    for low, high in merged:
        if low <= 10 <= high:
            result.extend(part for part in ((low, 9), (11, high)) if part[0] <= part[1])
        else:
            result.append((low, high))
    return tuple(result)


def invert(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges of every other character."""
    result, next_low = [], 0
    for low, high in sorted(ranges):
        if low > next_low:
            result.append((next_low, low - 1))
        next_low = max(next_low, high + 1)
    if next_low <= MAX_CODE:
        result.append((next_low, MAX_CODE))
    return result


WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
