"""Expressions become closures over the frame (spec `dsl.md` §7.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.members import get_index, get_member
from symbi_dsl.interpreter.operators import ARITHMETIC, COMPARISON, negate
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.scopes import Scope
from symbi_dsl.interpreter.signals import VALUE, Jump
from symbi_dsl.interpreter.values import INT_MAX, INT_MIN, UNSET, FunctionValue, Secret, StructValue, truthy
from symbi_dsl.syntax.expressions import (
    Array,
    Binary,
    Call,
    If,
    Index,
    Lambda,
    Literal,
    Member,
    Name,
    Record,
    StructLiteral,
    Unary,
    Vault,
)
from symbi_dsl.syntax.hints import close_match
from symbi_dsl.syntax.node import Node

__all__ = ["Code", "ExpressionCompiler"]

Code = Callable[[list[Any]], Any]


class ExpressionCompiler(ABC):
    """Turns expressions into closures; one compiler serves one run."""

    def __init__(self, runtime: Runtime, functions: dict[str, FunctionValue]) -> None:
        self.runtime = runtime
        self.functions = functions
        self.scope = Scope()
        self.pure = runtime.effects is None
        self.compilers: dict[type[Node], Callable[[Any], Code]] = {
            Literal: self._literal,
            Vault: self._vault,
            Name: self._name,
            Array: self._array,
            Record: self._record,
            StructLiteral: self._struct,
            Lambda: self._lambda,
            Member: self._member,
            Index: self._index,
            Call: self.call,
            Unary: self._unary,
            Binary: self._binary,
            If: self._if_value,
        }

    def expression(self, node: Node) -> Code:
        """Return the closure of an expression."""
        return self.compilers[type(node)](node)

    @abstractmethod
    def call(self, node: Call) -> Code:
        """Return the closure of a call."""

    @abstractmethod
    def value_block(self, node: Node) -> Code:
        """Return a closure that runs a block and gives its signal; its last expression counts as its value."""

    # ---- leaves --------------------------------------------------------------------------------------------------
    def _literal(self, node: Literal) -> Code:
        value = node.value
        return lambda frame: value

    def _vault(self, node: Vault) -> Code:
        value = Secret(node.reference)
        return lambda frame: value

    def _name(self, node: Name) -> Code:
        found = self.scope.find(node.name)
        if found is None:
            return self._global(node)
        out, slot, unsure = found
        if not out and not unsure:
            return itemgetter(slot)
        if not out:
            fallback = self._global(node)

            def local(frame: list[Any]) -> Any:
                value = frame[slot]
                return fallback(frame) if value is UNSET else value

            return local
        return self._outer_name(node, out, slot)

    def _outer_name(self, node: Name, out: int, slot: int) -> Code:
        fallback = self._global(node)

        def outer(frame: list[Any]) -> Any:
            for _ in range(out):
                frame = frame[0]
            value = frame[slot]
            return fallback(frame) if value is UNSET else value

        return outer

    def _global(self, node: Name) -> Code:
        name, facts, at = node.name, self.runtime.facts, node.start
        if name == "None":
            return lambda frame: None
        function = self.functions.get(name)
        if function is not None:
            return lambda frame: function
        builtin = self.builtin_value(name)

        def load(frame: list[Any]) -> Any:
            if name in facts:
                return facts[name]
            if builtin is not None:
                return builtin
            near = close_match(name, [*facts, *self.functions])
            hint = f"; did you mean `{near}`?" if near else ""
            raise LanguageError("UndefinedName", f"'{name}' is not defined{hint}", at=at)

        return load

    def builtin_value(self, name: str) -> FunctionValue | None:
        """Return a built-in function as a value, or None."""
        return None

    # ---- composites ----------------------------------------------------------------------------------------------
    def _array(self, node: Array) -> Code:
        parts = [self.expression(item) for item in node.items]
        count, items = len(parts), self.runtime.items

        def array(frame: list[Any]) -> Any:
            items(count)
            return [part(frame) for part in parts]

        return array

    def _record(self, node: Record) -> Code:
        pairs = [(key, self.expression(value)) for key, value in node.pairs]
        count, items = len(pairs), self.runtime.items

        def record(frame: list[Any]) -> Any:
            items(count)
            return {key: part(frame) for key, part in pairs}

        return record

    def _struct(self, node: StructLiteral) -> Code:
        inner = self._record(Record(node.pairs, node.start, node.end))
        name = node.name
        return lambda frame: StructValue(name, inner(frame))

    def _lambda(self, node: Lambda) -> Code:
        outer = self.scope
        self.scope = Scope(outer)
        for name in node.params:
            self.scope.declare(name)
        body = self.expression(node.body)
        size, self.scope = self.scope.size, outer
        count, runtime, at = len(node.params), self.runtime, node.start
        padding = [UNSET] * (size - 2 - count)

        def make(frame: list[Any]) -> Any:
            def call(arguments: list[Any]) -> Any:
                if len(arguments) < count:
                    message = f"the lambda takes {count} arguments, not {len(arguments)}"
                    raise LanguageError("MissingArgument", message, at=at)
                runtime.enter(at)
                runtime.steps -= 1
                if runtime.steps < runtime.mark:
                    runtime.tick(runtime.source.line(at))
                value = body([frame, None, *arguments[:count], *padding])
                runtime.depth -= 1
                return value

            return FunctionValue("", count, call)

        return make

    def _member(self, node: Member) -> Code:
        target, name, at, runtime = self.expression(node.target), node.name, node.start, self.runtime

        def member(frame: list[Any]) -> Any:
            value = target(frame)
            if type(value) is dict and name in value:
                return value[name]
            return get_member(runtime, value, name, at)

        return member

    def _index(self, node: Index) -> Code:
        target, index, at = self.expression(node.target), self.expression(node.index), node.start

        def element(frame: list[Any]) -> Any:
            return get_index(target(frame), index(frame), at)

        return element

    # ---- operators -----------------------------------------------------------------------------------------------
    def _unary(self, node: Unary) -> Code:
        operand, at = self.expression(node.operand), node.start
        if node.op == "!":
            return lambda frame: not truthy(operand(frame))

        def minus(frame: list[Any]) -> Any:
            try:
                return negate(operand(frame))
            except LanguageError as error:
                error.at = at if error.at < 0 else error.at
                raise

        return minus

    def _binary(self, node: Binary) -> Code:
        left, right = self.expression(node.left), self.expression(node.right)
        if node.op == "&&":
            return lambda frame: truthy(left(frame)) and truthy(right(frame))
        if node.op == "||":
            return lambda frame: truthy(left(frame)) or truthy(right(frame))
        return self.operate(node.op, left, right, node.start)

    def operate(self, operator: str, left: Code, right: Code, at: int) -> Code:
        """Return the closure of an operator over two closures."""
        runtime = self.runtime
        slow = ARITHMETIC.get(operator) or COMPARISON[operator]

        def general(frame: list[Any], a: Any, b: Any) -> Any:
            try:
                return slow(runtime, a, b)
            except LanguageError as error:
                error.at = at if error.at < 0 else error.at
                raise

        make = _FAST.get(operator)
        if make is not None:
            return make(left, right, general)
        return lambda frame: general(frame, left(frame), right(frame))

    def _if_value(self, node: If) -> Code:
        arms = [(self.expression(condition), self.block_value(block)) for _, condition, block in node.arms]
        otherwise = self.block_value(node.otherwise) if node.otherwise is not None else None

        def choose(frame: list[Any]) -> Any:
            for condition, block in arms:
                if truthy(condition(frame)):
                    return block(frame)
            return otherwise(frame) if otherwise is not None else None

        return choose

    def block_value(self, node: Node) -> Code:
        """Return a closure that runs a block inside an expression and gives its value."""
        run = self.value_block(node)

        def value(frame: list[Any]) -> Any:
            signal = run(frame)
            if signal is None:
                return None
            if signal is VALUE:
                return frame[1]
            raise Jump(signal, frame)

        return value


def _plus(left: Code, right: Code, general: Callable[..., Any]) -> Code:
    def run(frame: list[Any]) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is int and type(b) is int and INT_MIN <= (total := a + b) <= INT_MAX:
            return total
        return general(frame, a, b)

    return run


def _minus(left: Code, right: Code, general: Callable[..., Any]) -> Code:
    def run(frame: list[Any]) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is int and type(b) is int and INT_MIN <= (total := a - b) <= INT_MAX:
            return total
        return general(frame, a, b)

    return run


def _less(left: Code, right: Code, general: Callable[..., Any]) -> Code:
    def run(frame: list[Any]) -> Any:
        a, b = left(frame), right(frame)
        return a < b if type(a) is int and type(b) is int else general(frame, a, b)

    return run


def _greater(left: Code, right: Code, general: Callable[..., Any]) -> Code:
    def run(frame: list[Any]) -> Any:
        a, b = left(frame), right(frame)
        return a > b if type(a) is int and type(b) is int else general(frame, a, b)

    return run


def _equal(left: Code, right: Code, general: Callable[..., Any]) -> Code:
    def run(frame: list[Any]) -> Any:
        a, b = left(frame), right(frame)
        kind = type(a)
        return a == b if kind is type(b) and (kind is int or kind is str) else general(frame, a, b)

    return run


_FAST: dict[str, Callable[[Code, Code, Callable[..., Any]], Code]] = {
    "+": _plus,
    "-": _minus,
    "<": _less,
    ">": _greater,
    "==": _equal,
}
