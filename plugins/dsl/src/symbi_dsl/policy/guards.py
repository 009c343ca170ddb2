"""Expressions of rules, evaluated without effects and within 10,000 steps (spec `dsl.md` §8)."""

from __future__ import annotations

from typing import Any

from symbi.contracts.languages import ProgramLimits
from symbi_dsl.interpreter.compile_expressions import Code
from symbi_dsl.interpreter.compile_statements import StatementCompiler
from symbi_dsl.interpreter.errors import LanguageError, LimitReached
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.signals import Jump
from symbi_dsl.interpreter.values import UNSET, truthy
from symbi_dsl.limits import DEFAULT_LIMITS
from symbi_dsl.syntax.lexer import tokenize
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.parser import Parser
from symbi_dsl.syntax.problems import Problems, SyntaxProblem
from symbi_dsl.syntax.source import Source

__all__ = ["Guard", "Undefined", "parse_expression"]

_LIMITS = ProgramLimits(
    max_steps=10_000, max_depth=32, max_iterations=1_000, max_text=65_536, max_items=10_000, max_cells=1_000_000
)


class Undefined(Exception):
    """An expression has no value for this request; the message says why."""


def parse_expression(text: str) -> Node:
    """Return the tree of one expression; raise `Undefined` for a text that is none."""
    problems = Problems(DEFAULT_LIMITS.errors)
    tokens = tokenize(text, problems=problems, limits=DEFAULT_LIMITS)
    parser = Parser(tokens, problems=problems, limits=DEFAULT_LIMITS)
    try:
        node = parser.expression()
        parser.expect("end", "the end of the expression")
    except SyntaxProblem as error:
        raise Undefined(error.problem.message) from None
    if problems.errors:
        raise Undefined(problems.errors[0].message)
    return node


class Guard:
    """One expression, ready to be evaluated again and again; not to be used by two threads at once."""

    def __init__(self, text: str, node: Node | None = None) -> None:
        self.problem: str | None = None
        self.facts: dict[str, Any] = {}
        self.code: Code | None = None
        self.runtime = Runtime(Source(text), _LIMITS, effects=None, facts=self.facts, capabilities=frozenset())
        try:
            tree = node if node is not None else parse_expression(text)
            compiler = StatementCompiler(self.runtime, {})
            compiler.params = {}
            compiler.scope.hoist(tree)
            self.code = compiler.expression(tree)
            self.size = compiler.scope.size
        except Undefined as error:
            self.problem = str(error)

    def value(self, facts: dict[str, Any]) -> Any:
        """Return the value for these facts; raise `Undefined` where it has none."""
        if self.code is None:
            raise Undefined(self.problem or "it can not be read")
        runtime = self.runtime
        runtime.steps = runtime.mark = _LIMITS.max_steps
        runtime.cells, runtime.depth = _LIMITS.max_cells, 0
        self.facts.clear()
        self.facts.update(facts)
        try:
            return self.code([None, None, *[UNSET] * self.size])
        except (LanguageError, LimitReached) as error:
            raise Undefined(error.message) from None
        except (Jump, RecursionError, MemoryError):
            raise Undefined("it can not be evaluated") from None

    def holds(self, facts: dict[str, Any]) -> bool:
        """Tell whether the value counts as true; raise `Undefined` where there is none."""
        try:
            return truthy(self.value(facts))
        except RecursionError:
            raise Undefined("it can not be evaluated") from None
