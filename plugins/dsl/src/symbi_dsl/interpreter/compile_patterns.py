"""Patterns: tests that bind names (spec `dsl.md` §7.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbi_dsl.interpreter.compile_calls import CallCompiler
from symbi_dsl.interpreter.values import ErrorValue, StructValue, equals
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statements import BindPattern, CasePattern, LiteralPattern

__all__ = ["PatternCompiler", "Test"]

Test = Callable[[list[Any], Any], bool]
_ERRORS = frozenset({"Err", "Error", "Failure"})
_VALUES = frozenset({"Some", "Ok", "Success"})


class PatternCompiler(CallCompiler):
    """Adds patterns to calls and expressions."""

    def pattern(self, node: Node) -> Test:
        """Return a test that tells whether a value matches, and binds the names of the pattern in the frame."""
        if isinstance(node, LiteralPattern):
            wanted = node.value
            return lambda frame, value: equals(wanted, value)
        if isinstance(node, BindPattern):
            if node.name == "_":
                return lambda frame, value: True
            if node.name == "None":
                return lambda frame, value: value is None
            slot = self.scope.declare(node.name)

            def bind(frame: list[Any], value: Any) -> bool:
                frame[slot] = value
                return True

            return bind
        assert isinstance(node, CasePattern)
        return self._case(node)

    def _case(self, node: CasePattern) -> Test:
        parts = [self.pattern(arg) for arg in node.args]
        name = node.name
        if name in _ERRORS or name in _VALUES:
            return _result(name in _ERRORS, parts)

        def struct(frame: list[Any], value: Any) -> bool:
            if not isinstance(value, StructValue) or value.type_name != name or len(parts) > len(value):
                return False
            for part, item in zip(parts, list(value.values()), strict=False):  # noqa: SIM110  # no C frames between the program's own calls
                if not part(frame, item):
                    return False
            return True

        return struct


def _result(wants_error: bool, parts: list[Test]) -> Test:
    def test(frame: list[Any], value: Any) -> bool:
        failed = isinstance(value, ErrorValue)
        if failed != wants_error or (not wants_error and value is None):
            return False
        inner = value.message if isinstance(value, ErrorValue) else value
        for part in parts:  # noqa: SIM110  # no C frames between the program's own calls
            if not part(frame, inner):
                return False
        return True

    return test
