"""Where names live: every variable of a function has a place in its frame, known before it runs."""

from __future__ import annotations

from symbi_dsl.syntax.expressions import Name
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statements import Assign
from symbi_dsl.syntax.walk import walk

__all__ = ["FIRST_SLOT", "Scope"]

FIRST_SLOT = 2
"""Frames begin with the enclosing frame and the place of the value that a block or function gives."""


class Scope:
    """The names of one function or lambda; `parent` is the enclosing function's scope for a lambda."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.size = FIRST_SLOT
        self.blocks: list[dict[str, int]] = [{}]
        self.loose: dict[str, int] = {}

    def declare(self, name: str) -> int:
        """Give a name a place in the innermost block."""
        slot = self.size
        self.size += 1
        self.blocks[-1][name] = slot
        return slot

    def hidden(self) -> int:
        """Return a place without a name."""
        self.size += 1
        return self.size - 1

    def hoist(self, body: Node) -> None:
        """Give a place to every name that is assigned anywhere in a body; it exists once it has been assigned."""
        for node in walk(body):
            if isinstance(node, Assign) and isinstance(node.target, Name):
                name = node.target.name
                if name not in self.loose and name not in self.blocks[0]:
                    self.loose[name] = self.hidden()

    def find(self, name: str) -> tuple[int, int, bool] | None:
        """Return how many frames out a name lives, its place, and whether it may not have been assigned yet."""
        scope: Scope | None = self
        out = 0
        while scope is not None:
            for block in reversed(scope.blocks):
                if name in block:
                    return out, block[name], False
            if name in scope.loose:
                return out, scope.loose[name], True
            scope, out = scope.parent, out + 1
        return None

    def open(self) -> None:
        """Begin a block."""
        self.blocks.append({})

    def close(self) -> None:
        """End a block."""
        self.blocks.pop()
