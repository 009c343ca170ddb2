"""What every reader of facts shares: the source, the problems, and what is already known of the text."""

from __future__ import annotations

from symbi_dsl.syntax.expressions import Array, Literal, Member, Name, Record, StructLiteral, Unary, Vault
from symbi_dsl.syntax.items import Prop, Props
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.problems import Problems
from symbi_dsl.syntax.source import Source
from symbi_dsl.syntax.units import Quantity

__all__ = ["Scope", "Value"]

Value = object  # what JSON can hold; callers look at its type


class Scope:
    """The text under reading; `agents` are names that references may mean besides those of the text, None for a lone file."""

    def __init__(self, source: Source, problems: Problems, *, agents: frozenset[str] | None = None) -> None:
        self.source = source
        self.problems = problems
        self.agents = agents
        self.lone = agents is None

    def line(self, node: Node) -> int:
        """Return the line on which a node begins."""
        return self.source.line(node.start)

    def text(self, node: Node) -> str:
        """Return a node as it is written."""
        return self.source.text[node.start : node.end]

    def error(self, code: str, message: str, node: Node, hint: str | None = None) -> None:
        """Report an error at a node."""
        self.problems.add(code, message, node.start, node.end, hint=hint)

    def warn(self, code: str, message: str, node: Node, hint: str | None = None) -> None:
        """Report a warning at a node."""
        self.problems.add(code, message, node.start, node.end, hint=hint, severity="warning")

    def plain(self, node: Node | None) -> Value:
        """Return the JSON-ready value of a literal expression; what is none comes as it is written."""
        if node is None:
            return None
        if isinstance(node, Literal):
            return str(node.value) if isinstance(node.value, Quantity) else node.value
        if isinstance(node, Name):
            return node.name
        if isinstance(node, Vault):
            return node.reference
        if isinstance(node, Member):
            return self.text(node)
        if isinstance(node, Array):
            return [self.plain(item) for item in node.items]
        if isinstance(node, Record | StructLiteral):
            return {key: self.plain(value) for key, value in node.pairs}
        if isinstance(node, Props):
            return {entry.key: self.plain(entry.value) for entry in node.entries}
        if isinstance(node, Unary) and node.op == "-" and isinstance(node.operand, Literal):
            value = node.operand.value
            return -value if isinstance(value, int | float) else self.text(node)
        return self.text(node)

    def word(self, node: Node | None) -> str | None:
        """Return the text of a string, name or reference, or None if the node is none of them."""
        if isinstance(node, Literal):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, Name):
            return str(node.name)
        if isinstance(node, Member):
            return self.text(node)
        if isinstance(node, Vault):
            return str(node.reference)
        return None

    def entries(self, props: Props) -> dict[str, Prop]:
        """Return properties by key; one that is given twice is an error, and its first value stands."""
        found: dict[str, Prop] = {}
        for entry in props.entries:
            if entry.key in found:
                self.problems.add("E402", f"'{entry.key}' is given twice", entry.start, entry.key_end)
            else:
                found[entry.key] = entry
        return found
