"""Nodes of statements and patterns."""

from __future__ import annotations

from typing import Any

from symbi_dsl.syntax.node import Node

__all__ = [
    "Assign",
    "BindPattern",
    "Block",
    "CasePattern",
    "Check",
    "ExprStatement",
    "For",
    "Jump",
    "Let",
    "LiteralPattern",
    "Match",
    "RequireCapability",
    "Return",
    "Try",
    "While",
]


class Block(Node):
    """Statements in braces."""

    __slots__ = ("statements",)

    def __init__(self, statements: Any, start: int, end: int) -> None:
        self.statements = statements
        self.start = start
        self.end = end


class Let(Node):
    """A declared variable."""

    __slots__ = ("name", "type", "value")

    def __init__(self, name: Any, type: Any, value: Any, start: int, end: int) -> None:
        self.name = name
        self.type = type
        self.value = value
        self.start = start
        self.end = end


class Assign(Node):
    """`target op value`; `op` is `=` or a compound one."""

    __slots__ = ("op", "target", "value")

    def __init__(self, target: Any, op: Any, value: Any, start: int, end: int) -> None:
        self.target = target
        self.op = op
        self.value = value
        self.start = start
        self.end = end


class Return(Node):
    """Leaves the function."""

    __slots__ = ("value",)

    def __init__(self, value: Any, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


class For(Node):
    """A loop over a list, a map's keys or a text's characters."""

    __slots__ = ("block", "iterable", "name")

    def __init__(self, name: Any, iterable: Any, block: Any, start: int, end: int) -> None:
        self.name = name
        self.iterable = iterable
        self.block = block
        self.start = start
        self.end = end


class While(Node):
    """A loop while a condition holds."""

    __slots__ = ("block", "condition")

    def __init__(self, condition: Any, block: Any, start: int, end: int) -> None:
        self.condition = condition
        self.block = block
        self.start = start
        self.end = end


class Match(Node):
    """Arms of (pattern, expression or block)."""

    __slots__ = ("arms", "subject")

    def __init__(self, subject: Any, arms: Any, start: int, end: int) -> None:
        self.subject = subject
        self.arms = arms
        self.start = start
        self.end = end


class Try(Node):
    """A block and its handlers: (kind or None, name or None, block)."""

    __slots__ = ("block", "handlers")

    def __init__(self, block: Any, handlers: Any, start: int, end: int) -> None:
        self.block = block
        self.handlers = handlers
        self.start = start
        self.end = end


class Jump(Node):
    """`break` or `continue`."""

    __slots__ = ("word",)

    def __init__(self, word: Any, start: int, end: int) -> None:
        self.word = word
        self.start = start
        self.end = end


class RequireCapability(Node):
    """`require capability …`."""

    __slots__ = ("capabilities",)

    def __init__(self, capabilities: Any, start: int, end: int) -> None:
        self.capabilities = capabilities
        self.start = start
        self.end = end


class Check(Node):
    """`check POLICY`."""

    __slots__ = ("policy",)

    def __init__(self, policy: Any, start: int, end: int) -> None:
        self.policy = policy
        self.start = start
        self.end = end


class ExprStatement(Node):
    """An expression as a statement; `closed` if a `;` follows."""

    __slots__ = ("closed", "value")

    def __init__(self, value: Any, closed: Any, start: int, end: int) -> None:
        self.value = value
        self.closed = closed
        self.start = start
        self.end = end


class BindPattern(Node):
    """Matches everything and binds it; `_` binds nothing."""

    __slots__ = ("name",)

    def __init__(self, name: Any, start: int, end: int) -> None:
        self.name = name
        self.start = start
        self.end = end


class CasePattern(Node):
    """`Name(pattern, …)`."""

    __slots__ = ("args", "name")

    def __init__(self, name: Any, args: Any, start: int, end: int) -> None:
        self.name = name
        self.args = args
        self.start = start
        self.end = end


class LiteralPattern(Node):
    """Matches one value."""

    __slots__ = ("value",)

    def __init__(self, value: Any, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end
