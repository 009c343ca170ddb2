"""One run of a program: read it, give its functions closures, begin at its entry (spec `dsl.md` §7)."""

from __future__ import annotations

import sys
from typing import Any

from symbi.contracts.definitions import Program
from symbi.contracts.languages import ProgramFailed, ProgramLimits
from symbi_dsl.interpreter.compile_expressions import Code
from symbi_dsl.interpreter.compile_statements import StatementCompiler
from symbi_dsl.interpreter.errors import LanguageError, LimitReached
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.scopes import FIRST_SLOT, Scope
from symbi_dsl.interpreter.signals import Jump
from symbi_dsl.interpreter.typechecks import type_check
from symbi_dsl.interpreter.values import UNSET, ErrorValue, FunctionValue, from_json, to_json
from symbi_dsl.limits import DEFAULT_LIMITS
from symbi_dsl.syntax.expressions import Literal, Name
from symbi_dsl.syntax.items import Agent, AgentProp, Behavior, File, Function, Param, With
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.parser import parse_tree
from symbi_dsl.syntax.problems import Problems
from symbi_dsl.syntax.source import Source
from symbi_dsl.syntax.statements import Block

__all__ = ["interpret"]

_FRAMES = 30_000
_LIMITS = ProgramLimits()


def interpret(
    program: Program,
    *,
    arguments: dict[str, Any],
    effects: Any,
    limits: ProgramLimits | None = None,
    facts: dict[str, Any] | None = None,
) -> Any:
    """Run a program to its end and return its JSON-ready value; raises `ProgramFailed`."""
    source = Source(program.source.removeprefix("\ufeff"), program.path)
    frames = sys.getrecursionlimit()
    sys.setrecursionlimit(max(frames, _FRAMES))
    try:
        run = _Run(program, source, arguments=arguments, effects=effects, limits=limits or _LIMITS, facts=facts or {})
        value = run.value()
        if isinstance(value, ErrorValue):
            raise LanguageError(value.kind, value.message, at=value.at, details=value.details)
        return to_json(value)
    except LanguageError as error:
        raise _failed(source, error) from None
    except LimitReached as error:
        raise _failed(source, error) from None
    except RecursionError:
        deep = LimitReached("DepthLimit", "the program is nested too deeply", code="limit_depth")
        raise _failed(source, deep) from None
    except MemoryError:
        full = LimitReached("MemoryLimit", "out of memory", code="limit_memory")
        raise _failed(source, full) from None
    finally:
        sys.setrecursionlimit(frames)


def _failed(source: Source, error: LanguageError | LimitReached) -> ProgramFailed:
    line, column = source.position(error.at) if error.at >= 0 else (max(-error.at, 0) if error.at < -1 else 0, 0)
    details = getattr(error, "details", None)
    try:
        details = to_json(details)
    except LanguageError:
        details = None
    return ProgramFailed(error.message, code=error.code, kind=error.kind, line=line, column=column, details=details)


class _Run:
    """The parts of one run."""

    def __init__(
        self,
        program: Program,
        source: Source,
        *,
        arguments: dict[str, Any],
        effects: Any,
        limits: ProgramLimits,
        facts: dict[str, Any],
    ) -> None:
        self.program = program
        self.arguments = from_json(arguments)
        self.agent, self.tree = _read(program, source)
        granted = facts.get("capabilities")
        capabilities = frozenset(granted if granted is not None else _capabilities(self.agent))
        known = {"parameters": self.arguments, "input": self.arguments, "agent": {"name": program.agent}}
        known |= {key: from_json(value) for key, value in facts.items() if key != "capabilities"}
        if self.agent is not None:
            known |= self._agent_arguments(self.agent)
        self.runtime = Runtime(source, limits, effects=effects, facts=known, capabilities=capabilities)
        self.functions: dict[str, FunctionValue] = {}
        self.compiler = StatementCompiler(self.runtime, self.functions)
        self.compiler.params = {}
        self._declare()

    def _agent_arguments(self, agent: Agent) -> dict[str, Any]:
        return {param.name: self.arguments[param.name] for param in agent.params if param.name in self.arguments}

    # ---- functions -----------------------------------------------------------------------------------------------
    def _declare(self) -> None:
        nodes: list[Node] = list(self.tree.items)
        if self.agent is not None:
            nodes.extend(self.agent.items)
        for node in nodes:
            if isinstance(node, Function | Behavior):
                params = node.params if isinstance(node, Function) else node.inputs
                self.compiler.params[node.name] = [param.name for param in params]
                self.functions[node.name] = self._function(node, params)

    def _function(self, node: Function | Behavior, params: list[Param]) -> FunctionValue:
        """Return a function that gets its closures when it is first called."""
        ready: list[Any] = []
        runtime, at = self.runtime, node.start

        def call(args: list[Any]) -> Any:
            if not ready:
                ready.extend(self._compile(node.name, params, node.block))
            body, prepare, size = ready
            runtime.enter(at)
            frame: list[Any] = [None, None, *args[: len(params)]]
            frame.extend([UNSET] * (size - len(frame)))
            for part in prepare:
                part(frame)
            try:
                value = frame[1] if body(frame) is not None else None
            except Jump as jump:
                value = jump.frame[1]
            runtime.depth -= 1
            return value

        return FunctionValue(node.name, len(params), call)

    def _compile(self, owner: str, params: list[Param], block: Block) -> tuple[Code, list[Code], int]:
        """Return the body, what checks and completes the arguments, and the size of the frame."""
        compiler = self.compiler
        outer, compiler.scope = compiler.scope, Scope()
        prepare: list[Code] = []
        for param in params:
            slot = compiler.scope.declare(param.name)
            part = self._parameter(owner, param, slot)
            if part is not None:
                prepare.append(part)
        compiler.scope.hoist(block)
        body = compiler.block(block, tail=True)
        size, compiler.scope = compiler.scope.size, outer
        return body, prepare, size

    def _parameter(self, owner: str, param: Param, slot: int) -> Code | None:
        default = self.compiler.expression(param.default) if param.default is not None else None
        optional = param.type.name.lower() in ("optional", "option", "maybe")
        check = type_check(param.type)
        name, at = param.name, param.start

        def prepare(frame: list[Any]) -> Any:
            value = frame[slot]
            if value is UNSET:
                if default is None and not optional:
                    raise LanguageError("MissingArgument", f"{owner} needs '{name}'", at=at)
                value = default(frame) if default is not None else None
            frame[slot] = check(value, name, at) if check is not None else value

        return prepare

    # ---- entry ---------------------------------------------------------------------------------------------------
    def value(self) -> Any:
        """Run the program from its entry."""
        program = self.program
        if program.entry == "with":
            return self._with_value()
        function = self.functions.get(program.entry_name)
        if function is None:
            raise LanguageError("UndefinedName", f"there is no '{program.entry_name}' to begin with")
        names = self.compiler.params[program.entry_name]
        return function.call([self.arguments.get(name, UNSET) for name in names])

    def _with_value(self) -> Any:
        assert self.agent is not None
        agent, value = self.agent, None
        for item in agent.items:
            if not isinstance(item, With) or not item.block.statements:
                continue
            body, prepare, size = self._compile(agent.name, agent.params, item.block)
            frame: list[Any] = [None, None]
            frame += [self.arguments.get(param.name, UNSET) for param in agent.params]
            frame += [UNSET] * (size - len(frame))
            for part in prepare:
                part(frame)
            for param, given in zip(agent.params, frame[FIRST_SLOT:], strict=False):
                self.runtime.facts[param.name] = given
            try:
                signal = body(frame)
            except Jump as jump:
                signal, frame = jump.signal, jump.frame
            if signal is not None:
                value = frame[1]
                if signal.name == "return":
                    break
        return value


def _read(program: Program, source: Source) -> tuple[Agent | None, File]:
    problems = Problems(DEFAULT_LIMITS.errors)
    tree, _ = parse_tree(source.text, problems=problems, limits=DEFAULT_LIMITS)
    if problems.errors:
        first = problems.errors[0]
        raise LanguageError("SyntaxError", f"{first.code} {first.message}", at=first.start)
    for item in tree.items:
        if isinstance(item, Agent) and item.name == program.agent:
            return item, tree
    if program.entry == "with":
        raise LanguageError("UndefinedName", f"there is no agent '{program.agent}' in the definition")
    return None, tree


def _capabilities(agent: Agent | None) -> list[str]:
    found: list[str] = []
    for item in agent.items if agent is not None else ():
        if isinstance(item, AgentProp) and item.word == "capabilities":
            for entry in item.value.items:
                if isinstance(entry, Name):
                    found.append(entry.name)
                elif isinstance(entry, Literal) and isinstance(entry.value, str):
                    found.append(entry.value)
    return found
