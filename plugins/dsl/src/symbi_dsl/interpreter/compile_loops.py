"""Loops, `match` and `try`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from symbi_dsl.interpreter.compile_expressions import Code
from symbi_dsl.interpreter.compile_patterns import PatternCompiler
from symbi_dsl.interpreter.errors import LanguageError, LimitReached
from symbi_dsl.interpreter.signals import BREAK, CONTINUE, VALUE, Jump
from symbi_dsl.interpreter.values import truthy, type_name
from symbi_dsl.syntax.statements import Block, For, Match, Try, While

__all__ = ["LoopCompiler"]

_CATCH_ALL = frozenset({"Error", "Exception", "Any"})


class LoopCompiler(PatternCompiler):
    """Adds loops, `match` and `try` to patterns, calls and expressions."""

    @abstractmethod
    def block(self, node: Block, *, tail: bool = False) -> Code:
        """Return the closure of a block."""

    def for_loop(self, node: For) -> Code:
        """Return the closure of a `for` loop over a list, the keys of a map or the characters of a text."""
        iterable, at = self.expression(node.iterable), node.start
        self.scope.open()
        slot = self.scope.declare(node.name)
        block = self.block(node.block)
        self.scope.close()
        runtime, most = self.runtime, self.runtime.limits.max_iterations

        def loop(frame: list[Any]) -> Any:
            values = iterable(frame)
            if not isinstance(values, list | dict | str):
                raise LanguageError("TypeMismatch", f"`for` goes over a list, not {type_name(values)}", at=at)
            runtime.spend(len(values))
            left = most
            for value in list(values):
                left -= 1
                if left < 0:
                    raise _too_many(most, at)
                frame[slot] = value
                signal = block(frame)
                if signal is not None and signal is not CONTINUE:
                    return None if signal is BREAK else signal
            return None

        return _jumping(loop)

    def while_loop(self, node: While) -> Code:
        """Return the closure of a `while` loop."""
        condition, at = self.expression(node.condition), node.start
        block = self.block(node.block)
        runtime, most = self.runtime, self.runtime.limits.max_iterations
        line = runtime.source.line(at)

        def loop(frame: list[Any]) -> Any:
            left = most
            while truthy(condition(frame)):
                left -= 1
                if left < 0:
                    raise _too_many(most, at)
                runtime.steps -= 1
                if runtime.steps < runtime.mark:
                    runtime.tick(line)
                signal = block(frame)
                if signal is not None and signal is not CONTINUE:
                    return None if signal is BREAK else signal
            return None

        return _jumping(loop)

    def match(self, node: Match, *, tail: bool) -> Code:
        """Return the closure of a `match`; a value that no arm takes is an error."""
        subject, at = self.expression(node.subject), node.start
        arms: list[tuple[Any, Code]] = []
        for pattern, body in node.arms:
            self.scope.open()
            test = self.pattern(pattern)
            code = self.block(body, tail=tail) if isinstance(body, Block) else _giving(self.expression(body), tail)
            self.scope.close()
            arms.append((test, code))

        def choose(frame: list[Any]) -> Any:
            value = subject(frame)
            for test, code in arms:
                if test(frame, value):
                    return code(frame)
            raise LanguageError("NoMatch", f"no arm matches this {type_name(value)}", at=at)

        return choose

    def try_block(self, node: Try) -> Code:
        """Return the closure of a `try`: a handler takes errors of its kind, one without a kind takes all."""
        block = self.block(node.block)
        handlers: list[tuple[str | None, int | None, Code]] = []
        for kind, name, body in node.handlers:
            self.scope.open()
            slot = self.scope.declare(name) if name is not None else None
            handlers.append((None if kind in _CATCH_ALL else kind, slot, self.block(body)))
            self.scope.close()
        runtime = self.runtime

        def run(frame: list[Any]) -> Any:
            depth = runtime.depth
            try:
                return block(frame)
            except LanguageError as error:
                caught = error
            for kind, slot, handler in handlers:
                if kind is None or kind == caught.kind:
                    runtime.depth = depth
                    if slot is not None:
                        frame[slot] = {
                            "message": caught.message,
                            "kind": caught.kind,
                            "details": caught.details,
                            "line": runtime.place(caught.at)[0],
                        }
                    return handler(frame)
            raise caught

        return run


def _giving(value: Code, tail: bool) -> Code:
    def give(frame: list[Any]) -> Any:
        frame[1] = value(frame)
        return VALUE

    def run(frame: list[Any]) -> Any:
        value(frame)

    return give if tail else run


def _jumping(loop: Code) -> Code:
    """Let a `break` that stands inside an expression end the loop around it."""

    def run(frame: list[Any]) -> Any:
        try:
            return loop(frame)
        except Jump as jump:
            if jump.signal is BREAK:
                return None
            raise

    return run


def _too_many(most: int, at: int) -> LimitReached:
    return LimitReached("IterationLimit", f"a loop of more than {most} rounds", code="limit_iterations", at=at)
