"""The base of all nodes of the tree."""

from __future__ import annotations

__all__ = ["Node"]


class Node:
    """A part of a text: `[start, end)` are offsets."""

    __slots__ = ("end", "start")
    start: int
    end: int
