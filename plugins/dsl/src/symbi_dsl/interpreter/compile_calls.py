"""Calls: a variable's function, a function of the text, a built-in, a method, and at last a tool (`decisions.md`, Agents)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbi_dsl.interpreter.builtins import PURE_CALLS
from symbi_dsl.interpreter.compile_expressions import Code, ExpressionCompiler
from symbi_dsl.interpreter.effect_calls import EFFECT_CALLS, ask, tool_arguments
from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.members import get_member
from symbi_dsl.interpreter.methods import ARITIES, METHODS
from symbi_dsl.interpreter.signatures import PURE, SETTLED
from symbi_dsl.interpreter.values import UNSET, ErrorValue, FunctionValue, type_name
from symbi_dsl.syntax.expressions import Call, Member, Name
from symbi_dsl.syntax.node import Node

__all__ = ["CallCompiler"]

Arguments = Callable[[list[Any]], tuple[list[Any], dict[str, Any]]]


class CallCompiler(ExpressionCompiler):
    """Adds calls to expressions."""

    params: dict[str, list[str]]

    def call(self, node: Call) -> Code:
        """Return the closure of a call, which costs one step."""
        target = node.target
        if isinstance(target, Name) and self.scope.find(target.name) is None:
            inner = self._named_call(node, target.name)
        elif isinstance(target, Member):
            inner = self._member_call(node, target)
        else:
            inner = self._value_call(node, self.expression(target))
        runtime, line = self.runtime, self.runtime.source.line(node.start)

        def counted(frame: list[Any]) -> Any:
            runtime.steps -= 1
            if runtime.steps < runtime.mark:
                runtime.tick(line)
            return inner(frame)

        return counted

    def _arguments(self, node: Call) -> Arguments:
        parts = [self.expression(arg) for arg in node.args]
        named = [(name, self.expression(value)) for name, value in node.named]
        if not named:
            return lambda frame: ([part(frame) for part in parts], {})
        return lambda frame: ([part(frame) for part in parts], {name: part(frame) for name, part in named})

    def _named_call(self, node: Call, name: str) -> Code:
        if name in self.functions:
            return self._function_call(node, name)
        if name in PURE_CALLS and (name in SETTLED or self._fits(node, name)):
            return self._pure_call(node, name)
        if name in self.runtime.facts:
            return self._value_call(node, self.expression(node.target))
        if self.pure:
            return self._undefined(node, name)
        if name in EFFECT_CALLS:
            return self._effect_call(node, name)
        return self._tool(node, name)

    def _fits(self, node: Call, name: str) -> bool:
        low, high = PURE[name]
        return low <= len(node.args) + len(node.named) <= high

    def _undefined(self, node: Call, name: str) -> Code:
        at = node.start

        def undefined(frame: list[Any]) -> Any:
            raise LanguageError("UndefinedName", f"'{name}' can not be called here", at=at)

        return undefined

    def _function_call(self, node: Call, name: str) -> Code:
        function, at = self.functions[name], node.start
        params = self.params[name]
        places: dict[str, Code] = {}
        for param, arg in zip(params, node.args, strict=False):
            places[param] = self.expression(arg)
        for key, value in node.named:
            if key in places or key not in params:
                problem = "given twice" if key in places else "unknown"
                return self._bad_argument(f"{name}: argument '{key}' is {problem}", at)
            places[key] = self.expression(value)
        if len(node.args) > len(params):
            return self._bad_argument(f"{name} takes {len(params)} arguments, not {len(node.args)}", at)
        codes = [places.get(param, _missing) for param in params]
        return lambda frame: function.call([code(frame) for code in codes])

    def _bad_argument(self, message: str, at: int) -> Code:
        def bad(frame: list[Any]) -> Any:
            raise LanguageError("TypeMismatch", message, at=at)

        return bad

    def _pure_call(self, node: Call, name: str) -> Code:
        call, runtime, at = PURE_CALLS[name], self.runtime, node.start
        arguments = self._arguments(node)
        low, high = PURE[name]

        def run(frame: list[Any]) -> Any:
            args, named = arguments(frame)
            args = [*args, *named.values()]
            if not low <= len(args) <= high:
                raise LanguageError("MissingArgument", f"{name} takes {low} to {high} arguments", at=at)
            try:
                value = call(runtime, *args)
            except LanguageError as error:
                error.at = at if error.at < 0 else error.at
                raise
            if type(value) is ErrorValue and value.at < 0:
                value.at = at
            return value

        return run

    def builtin_value(self, name: str) -> FunctionValue | None:
        """Return a pure built-in as a value, so that it can be given to `map`."""
        call, runtime = PURE_CALLS.get(name), self.runtime
        if call is None:
            return None
        low, high = PURE[name]

        def run(args: list[Any]) -> Any:
            if not low <= len(args) <= high:
                raise LanguageError("MissingArgument", f"{name} takes {low} to {high} arguments")
            return call(runtime, *args)

        return FunctionValue(name, low, run)

    def _effect_call(self, node: Call, name: str) -> Code:
        call, runtime, at = EFFECT_CALLS[name], self.runtime, node.start
        arguments = self._arguments(node)

        def run(frame: list[Any]) -> Any:
            args, named = arguments(frame)
            try:
                return call(runtime, name, args, named, at)
            except LanguageError as error:
                error.at = at if error.at < 0 else error.at
                raise

        return run

    def _tool(self, node: Call, name: str) -> Code:
        runtime, at = self.runtime, node.start
        arguments = self._arguments(node)

        def run(frame: list[Any]) -> Any:
            args, named = arguments(frame)
            return ask(runtime, "tool", name, tool_arguments(args, named), at)

        return run

    def _member_call(self, node: Call, target: Member) -> Code:
        path = None if self.pure else self._path(target)
        if path is not None and not self._known(path[0]):
            return self._tool(node, ".".join(path))
        return self._method_call(node, target)

    def _known(self, name: str) -> bool:
        known = name == "None" or name in self.runtime.facts or name in self.functions
        return known or self.scope.find(name) is not None

    def _path(self, node: Node) -> list[str] | None:
        parts: list[str] = []
        while isinstance(node, Member):
            parts.append(node.name)
            node = node.target
        return [node.name, *reversed(parts)] if isinstance(node, Name) else None

    def _method_call(self, node: Call, target: Member) -> Code:
        receiver, name = self.expression(target.target), target.name
        arguments, runtime, at = self._arguments(node), self.runtime, node.start

        def run(frame: list[Any]) -> Any:
            value = receiver(frame)
            kind = type_name(value)
            args, named = arguments(frame)
            args = [*args, *named.values()]
            try:
                if kind == "map" and name in value:
                    return _invoke(value[name], args)
                method = METHODS.get((kind, name))
                if method is not None:
                    low, high = ARITIES[method]
                    if not low <= len(args) <= high:
                        raise LanguageError("MissingArgument", f"{name} takes {low} to {high} arguments")
                    return method(runtime, value, *args)
                return _invoke(get_member(runtime, value, name, at), args)
            except LanguageError as error:
                error.at = at if error.at < 0 else error.at
                raise

        return run

    def _value_call(self, node: Call, target: Code) -> Code:
        arguments, at = self._arguments(node), node.start

        def run(frame: list[Any]) -> Any:
            value = target(frame)
            args, named = arguments(frame)
            try:
                return _invoke(value, [*args, *named.values()])
            except LanguageError as error:
                error.at = at if error.at < 0 else error.at
                raise

        return run


def _invoke(value: Any, args: list[Any]) -> Any:
    if not isinstance(value, FunctionValue):
        raise LanguageError("TypeMismatch", f"a {type_name(value)} can not be called")
    return value.call(args)


def _missing(frame: list[Any]) -> Any:
    return UNSET
