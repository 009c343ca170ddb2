"""Proves that two trees say the same, whatever their layout."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from symbi_dsl.syntax.items import File
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statements import Block, ExprStatement

__all__ = ["shape"]

_PLACES = frozenset({"names", "key_end"})


def shape(tree: File) -> list[Any]:
    """Return everything that a tree says, flat and in order, without its places; built without recursion."""
    found: list[Any] = []
    waiting: list[Any] = [tree]
    parts: dict[type, Callable[[Any], Any] | None] = {}
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is list or kind is tuple:
            found.append(len(item))
            waiting.extend(item)
        elif kind is str or item is None:
            found.append(item)
        elif not isinstance(item, Node):
            found.append((kind.__name__, str(item)))
        else:
            found.append(kind.__name__)
            if isinstance(item, Block):
                found.append(_gives_value(item))
            get = parts[kind] if kind in parts else parts.setdefault(kind, _getter(kind))
            if get is not None:
                waiting.extend(get(item))
    return found


def _getter(kind: type[Node]) -> Callable[[Any], Any] | None:
    """Return what reads all parts of a node that count; whether a statement ends in `;` does not."""
    slots: Any = getattr(kind, "__slots__", ())
    names = sorted(name for name in slots if name not in _PLACES and not (kind is ExprStatement and name == "closed"))
    if not names:
        return None
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda node: (get(node),)


def _gives_value(block: Block) -> bool:
    last = block.statements[-1] if block.statements else None
    return isinstance(last, ExprStatement) and not last.closed
