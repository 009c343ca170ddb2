"""Nodes of expressions."""

from __future__ import annotations

from typing import Any

from symbi_dsl.syntax.node import Node

__all__ = [
    "Array",
    "Binary",
    "Call",
    "If",
    "Index",
    "Lambda",
    "Literal",
    "Member",
    "Name",
    "Record",
    "StructLiteral",
    "Unary",
    "Vault",
]


class Literal(Node):
    """A number, text, boolean, null, duration or size."""

    __slots__ = ("value",)

    def __init__(self, value: Any, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


class Vault(Node):
    """A reference to a secret, resolved only by the runtime."""

    __slots__ = ("reference",)

    def __init__(self, reference: Any, start: int, end: int) -> None:
        self.reference = reference
        self.start = start
        self.end = end


class Name(Node):
    """A name."""

    __slots__ = ("name",)

    def __init__(self, name: Any, start: int, end: int) -> None:
        self.name = name
        self.start = start
        self.end = end


class Array(Node):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, items: Any, start: int, end: int) -> None:
        self.items = items
        self.start = start
        self.end = end


class Record(Node):
    """A record: pairs of key and expression."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Any, start: int, end: int) -> None:
        self.pairs = pairs
        self.start = start
        self.end = end


class StructLiteral(Node):
    """A record with a type's name."""

    __slots__ = ("name", "pairs")

    def __init__(self, name: Any, pairs: Any, start: int, end: int) -> None:
        self.name = name
        self.pairs = pairs
        self.start = start
        self.end = end


class Lambda(Node):
    """A function without a name."""

    __slots__ = ("body", "params")

    def __init__(self, params: Any, body: Any, start: int, end: int) -> None:
        self.params = params
        self.body = body
        self.start = start
        self.end = end


class Member(Node):
    """Access by name: `target.name`."""

    __slots__ = ("name", "target")

    def __init__(self, target: Any, name: Any, start: int, end: int) -> None:
        self.target = target
        self.name = name
        self.start = start
        self.end = end


class Index(Node):
    """Access by index: `target[index]`."""

    __slots__ = ("index", "target")

    def __init__(self, target: Any, index: Any, start: int, end: int) -> None:
        self.target = target
        self.index = index
        self.start = start
        self.end = end


class Call(Node):
    """A call: positional arguments, then named ones as pairs."""

    __slots__ = ("args", "named", "target")

    def __init__(self, target: Any, args: Any, named: Any, start: int, end: int) -> None:
        self.target = target
        self.args = args
        self.named = named
        self.start = start
        self.end = end


class Unary(Node):
    """`!`, `not` (as `!`) or `-`."""

    __slots__ = ("op", "operand")

    def __init__(self, op: Any, operand: Any, start: int, end: int) -> None:
        self.op = op
        self.operand = operand
        self.start = start
        self.end = end


class Binary(Node):
    """Two operands and an operator, `&&` and `||` included."""

    __slots__ = ("left", "op", "right")

    def __init__(self, op: Any, left: Any, right: Any, start: int, end: int) -> None:
        self.op = op
        self.left = left
        self.right = right
        self.start = start
        self.end = end


class If(Node):
    """A conditional, as statement or expression: arms of (pattern or None, condition, block), and the last block."""

    __slots__ = ("arms", "otherwise")

    def __init__(self, arms: Any, otherwise: Any, start: int, end: int) -> None:
        self.arms = arms
        self.otherwise = otherwise
        self.start = start
        self.end = end
