"""Statements become closures that give None, or a signal when the normal order ends (spec `dsl.md` §7.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from symbi_dsl.interpreter.compile_expressions import Code
from symbi_dsl.interpreter.compile_loops import LoopCompiler
from symbi_dsl.interpreter.effect_calls import ask
from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.members import get_index, get_member, set_index, set_member
from symbi_dsl.interpreter.signals import BREAK, CONTINUE, RETURN, VALUE
from symbi_dsl.interpreter.typechecks import type_check
from symbi_dsl.interpreter.values import truthy
from symbi_dsl.syntax.expressions import If, Index, Literal, Member, Name
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statements import (
    Assign,
    Block,
    Check,
    ExprStatement,
    For,
    Jump,
    Let,
    Match,
    RequireCapability,
    Return,
    Try,
    While,
)

__all__ = ["StatementCompiler"]


class StatementCompiler(LoopCompiler):
    """Adds statements to patterns, calls and expressions."""

    def statement(self, node: Node, *, tail: bool) -> Code:
        """Return the closure of one statement; `tail` says that its value is that of its block."""
        if isinstance(node, ExprStatement):
            return self._expression_statement(node, tail=tail and not node.closed)
        if isinstance(node, If):
            return self._if(node, tail=tail)
        if isinstance(node, Match):
            return self.match(node, tail=tail)
        return self._plain[type(node)](self, node)

    def block(self, node: Block, *, tail: bool = False) -> Code:
        """Return the closure of a block: it counts a step for each statement and stops at a signal."""
        self.scope.open()
        last = len(node.statements) - 1
        line_of = self.runtime.source.line
        parts = [
            (line_of(item.start), self.statement(item, tail=tail and index == last))
            for index, item in enumerate(node.statements)
        ]
        self.scope.close()
        runtime = self.runtime
        if len(parts) == 1:
            return self._single(*parts[0])

        def run(frame: list[Any]) -> Any:
            for line, part in parts:
                runtime.steps -= 1
                if runtime.steps < runtime.mark:
                    runtime.tick(line)
                signal = part(frame)
                if signal is not None:
                    return signal
            return None

        return run

    def _single(self, line: int, part: Code) -> Code:
        runtime = self.runtime

        def run(frame: list[Any]) -> Any:
            runtime.steps -= 1
            if runtime.steps < runtime.mark:
                runtime.tick(line)
            return part(frame)

        return run

    def value_block(self, node: Node) -> Code:
        """Return the closure of a block whose last expression is its value."""
        assert isinstance(node, Block)
        return self.block(node, tail=True)

    # ---- simple statements ---------------------------------------------------------------------------------------
    def _expression_statement(self, node: ExprStatement, *, tail: bool) -> Code:
        value = self.expression(node.value)

        def give(frame: list[Any]) -> Any:
            frame[1] = value(frame)
            return VALUE

        def run(frame: list[Any]) -> Any:
            value(frame)

        return give if tail else run

    def _let(self, node: Let) -> Code:
        value = self.expression(node.value)
        check = type_check(node.type)
        slot = self.scope.declare(node.name)
        name, at = node.name, node.start
        if check is None:

            def store(frame: list[Any]) -> Any:
                frame[slot] = value(frame)

            return store

        def store_checked(frame: list[Any]) -> Any:
            frame[slot] = check(value(frame), name, at)

        return store_checked

    def _assign(self, node: Assign) -> Code:
        operator = node.op[:-1]
        target = node.target
        if isinstance(target, Name):
            value = self.expression(node.value)
            if operator:
                value = self.operate(operator, self.expression(target), value, node.start)
            return self._store_name(target, value)
        assert isinstance(target, Member | Index)
        return self._store_part(target, self.expression(node.value), operator, node.start)

    def _store_name(self, target: Name, value: Code) -> Code:
        found = self.scope.find(target.name)
        assert found is not None
        out, slot, _ = found
        if not out:

            def store(frame: list[Any]) -> Any:
                frame[slot] = value(frame)

            return store

        def store_outer(frame: list[Any]) -> Any:
            result = value(frame)
            for _ in range(out):
                frame = frame[0]
            frame[slot] = result

        return store_outer

    def _store_part(self, target: Member | Index, value: Code, operator: str, at: int) -> Code:
        place, runtime = self.expression(target.target), self.runtime
        index: Code
        read: Callable[[Any, Any, int], Any] = get_index
        write: Callable[[Any, Any, Any, Any, int], None] = set_index
        if isinstance(target, Index):
            index = self.expression(target.index)
        else:
            name = target.name
            index = lambda frame: name  # noqa: E731
            read, write = partial(get_member, runtime), set_member

        combine = self.operate(operator, _first, _second, at) if operator else None

        def store(frame: list[Any]) -> Any:
            holder, key = place(frame), index(frame)
            result = value(frame)
            if combine is not None:
                result = combine([read(holder, key, at), result])
            write(runtime, holder, key, result, at)

        return store

    def _return(self, node: Return) -> Code:
        value = self.expression(node.value) if node.value is not None else None

        def give(frame: list[Any]) -> Any:
            frame[1] = value(frame) if value is not None else None
            return RETURN

        return give

    def _jump(self, node: Jump) -> Code:
        signal = BREAK if node.word == "break" else CONTINUE
        return lambda frame: signal

    def _if(self, node: If, *, tail: bool) -> Code:
        arms: list[tuple[Code, Any, Code]] = []
        for pattern, condition, block in node.arms:
            test = self.expression(condition)
            self.scope.open()
            match = self.pattern(pattern) if pattern is not None else None
            arms.append((test, match, self.block(block, tail=tail)))
            self.scope.close()
        otherwise = self.block(node.otherwise, tail=tail) if node.otherwise is not None else None
        if len(arms) == 1 and arms[0][1] is None:
            return _simple_if(arms[0][0], arms[0][2], otherwise)

        def choose(frame: list[Any]) -> Any:
            for test, match, block in arms:
                value = test(frame)
                if truthy(value) if match is None else match(frame, value):
                    return block(frame)
            return otherwise(frame) if otherwise is not None else None

        return choose

    def _require(self, node: RequireCapability) -> Code:
        at, granted = node.start, self.runtime.capabilities
        wanted = [_capability(item) for item in node.capabilities]

        def run(frame: list[Any]) -> Any:
            for name in wanted:
                if name not in granted:
                    raise LanguageError("MissingCapability", f"Missing capability: {name}", at=at)

        return run

    def _check(self, node: Check) -> Code:
        runtime, policy, at = self.runtime, node.policy, node.start

        def run(frame: list[Any]) -> Any:
            if runtime.effects is None or not truthy(ask(runtime, "check", policy, {}, at)):
                raise LanguageError("PolicyDenied", f"policy '{policy}' does not hold", at=at, code="policy_denied")

        return run

    _plain: ClassVar[dict[type[Node], Callable[[Any, Any], Code]]] = {
        Let: _let,
        Assign: _assign,
        Return: _return,
        Jump: _jump,
        For: LoopCompiler.for_loop,
        While: LoopCompiler.while_loop,
        Try: LoopCompiler.try_block,
        RequireCapability: _require,
        Check: _check,
    }


def _first(frame: list[Any]) -> Any:
    return frame[0]


def _second(frame: list[Any]) -> Any:
    return frame[1]


def _capability(node: Node) -> str:
    if isinstance(node, Name):
        return str(node.name)
    if isinstance(node, Literal) and isinstance(node.value, str):
        return node.value
    if isinstance(node, Member):
        return f"{_capability(node.target)}.{node.name}"
    return ""


def _simple_if(test: Code, block: Code, otherwise: Code | None) -> Code:
    def choose(frame: list[Any]) -> Any:
        value = test(frame)
        if value is True or (value is not False and truthy(value)):
            return block(frame)
        return otherwise(frame) if otherwise is not None else None

    return choose
