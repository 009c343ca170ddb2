"""What a rule is about: the targets of `allow`, `deny` and `audit`, matched against one action (spec `dsl.md` §8)."""

from __future__ import annotations

from typing import Any

from symbi.contracts.languages import POSITIONAL, RuleRequest
from symbi_dsl.interpreter.values import equals
from symbi_dsl.policy.guards import Guard, Undefined
from symbi_dsl.policy.names import WILDCARDS
from symbi_dsl.syntax.expressions import Array, Call, Literal, Member, Name, Record, StructLiteral
from symbi_dsl.syntax.node import Node

__all__ = ["Match", "Target"]

Match = tuple[bool, dict[str, Any]]
"""Whether the target matches, and the names that it binds."""


def _glob(pattern: str, name: str) -> bool:
    """Match a pattern in which `*` stands for any text; each part is looked for once, so the time is linear."""
    first, *middle, last = pattern.split("*")
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _named(pattern: str, name: str) -> bool:
    return pattern in WILDCARDS or pattern == name or ("*" in pattern and _glob(pattern, name))


def _path(node: Node) -> str | None:
    parts: list[str] = []
    while isinstance(node, Member):
        parts.append(node.name)
        node = node.target
    return ".".join([node.name, *reversed(parts)]) if isinstance(node, Name) else None


class Target:
    """The target of one rule; `strict` (for `deny`) takes a literal argument wherever it stands in the call."""

    def __init__(self, text: str, node: Node, *, strict: bool) -> None:
        self.node = node
        self.strict = strict
        plain = isinstance(node, Array | Call | Name | Member) or (
            isinstance(node, Literal) and isinstance(node.value, str)
        )
        self.guard = None if plain else Guard(text, node)

    def match(self, request: RuleRequest, facts: dict[str, Any]) -> Match:
        """Match an action; raise `Undefined` where that can not be told."""
        if isinstance(self.node, Record | StructLiteral):
            return True, {}
        if self.guard is not None:
            return self.guard.holds(facts), {}
        return self._node(self.node, request)

    def _node(self, node: Node, request: RuleRequest) -> Match:
        if isinstance(node, Array):
            for item in node.items:
                found = self._node(item, request)
                if found[0]:
                    return found
            return False, {}
        if isinstance(node, Call):
            return self._call(node, request)
        pattern = node.value if isinstance(node, Literal) else _path(node)
        if not isinstance(pattern, str):
            raise Undefined("the target names no action")
        return self._action(pattern, request), {}

    def _action(self, pattern: str, request: RuleRequest) -> bool:
        action = request.action
        return _named(pattern, action) or ("::" in action and _named(pattern, action.rpartition("::")[2]))

    def _call(self, node: Call, request: RuleRequest) -> Match:
        pattern = _path(node.target)
        if pattern is None or not self._action(pattern, request):
            return False, {}
        named = {key: value for key, value in request.arguments.items() if key != POSITIONAL}
        values = _positions(request, named)
        bound: dict[str, Any] = {}
        for index, arg in enumerate(node.args):
            if isinstance(arg, Name):
                if arg.name not in WILDCARDS:
                    self._bind(arg.name, index, request, named, values, bound)
            elif not self._literal(arg, index, request, values):
                return False, {}
        for key, arg in node.named:
            if isinstance(arg, Name) and key in named:
                bound[arg.name] = named[key]
            elif not isinstance(arg, Name) and not (key in named and _same(arg, named[key])):
                return False, {}
        return True, bound

    def _bind(
        self,
        name: str,
        index: int,
        request: RuleRequest,
        named: dict[str, Any],
        values: list[Any],
        bound: dict[str, Any],
    ) -> None:
        """Give a name of the target its value; one whose value is not sure stays undefined."""
        if name in named:
            bound[name] = named[name]
        elif index < len(values):
            bound[name] = values[index]
        elif index == 0 and request.resource not in (None, request.action):
            bound[name] = request.resource

    def _literal(self, arg: Node, index: int, request: RuleRequest, values: list[Any]) -> bool:
        if self.strict:
            given = [value for key, value in request.arguments.items() if key != POSITIONAL]
            return any(_same(arg, value) for value in (request.resource, *values, *given))
        if index == 0 and request.resource != request.action and _same(arg, request.resource):
            return True
        return index < len(values) and _same(arg, values[index])


def _positions(request: RuleRequest, named: dict[str, Any]) -> list[Any]:
    """Return the arguments whose place is sure: those given by place, or the only one that there is.

    The order of named arguments is the caller's choice, so it must never decide what a rule looks at.
    """
    loose = request.arguments.get(POSITIONAL)
    if isinstance(loose, list) and loose:
        return loose
    return list(named.values()) if len(named) == 1 else []


def _same(arg: Node, value: Any) -> bool:
    if not isinstance(arg, Literal):
        return False
    if isinstance(arg.value, str) and isinstance(value, str):
        return arg.value == value or ("*" in arg.value and _named(arg.value, value))
    return equals(arg.value, value)
