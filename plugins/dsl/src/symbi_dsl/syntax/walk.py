"""Goes through a tree without recursion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symbi_dsl.syntax.node import Node

__all__ = ["walk"]


def walk(root: Node) -> Iterator[Node]:
    """Yield every node at and below `root`, parents before children, in no particular order among siblings."""
    waiting: list[Any] = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Node):
            yield item
            waiting.extend(getattr(item, name) for name in type(item).__slots__ if name != "names")
        elif isinstance(item, list | tuple):
            waiting.extend(item)
