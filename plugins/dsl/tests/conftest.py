"""Fixtures of the language's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.definitions import ParsedDefinition
from symbi.contracts.effects import EffectDenied, EffectFailed
from symbi.contracts.languages import ProgramLimits, RuleRequest, RuleVerdict
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.interpreter.program import interpret
from symbi_dsl.policy.evaluate import evaluate_rules

ROOT = Path(__file__).resolve().parents[3]


class World:
    """Effects that remember what was asked: `forbidden*` is denied, `broken*` fails, everything else echoes."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.places: list[tuple[int, int]] = []
        self.logged: list[str] = []
        self.lines: list[int] = []
        self.answers: dict[str, Any] = {"now": 1_700_000_000_000, "id": "an-id", "check": True}

    def call(self, kind: str, name: str, arguments: dict[str, Any], *, line: int = 0, column: int = 0, **_: Any) -> Any:
        self.calls.append((kind, name, arguments))
        self.places.append((line, column))
        if name.startswith("forbidden"):
            raise EffectDenied("policy says no", details={"policy": "p", "line": 3})
        if name.startswith("broken"):
            raise EffectFailed("it broke", code="tool_failed")
        if name.startswith("missing"):
            raise EffectFailed("no such tool", code="not_found")
        return self.answers.get(name or kind, self.answers.get(kind, {"ok": True}))

    def log(self, message: str, *, line: int = 0) -> None:
        self.logged.append(message)

    def step(self, line: int) -> None:
        self.lines.append(line)


@pytest.fixture
def world() -> World:
    """Return a world for one program."""
    return World()


@pytest.fixture
def run(world: World) -> Callable[..., Any]:
    """Return a function that runs the body of a `with` block, beside `items` of the agent."""

    def go(
        body: str,
        *,
        items: str = "",
        params: str = "",
        arguments: dict[str, Any] | None = None,
        limits: ProgramLimits | None = None,
        facts: dict[str, Any] | None = None,
    ) -> Any:
        parsed = parse_definition(f"agent a{params} {{\n{items}\nwith {{\n{body}\n}} }}")
        assert parsed.ok, [(item.code, item.message, item.line) for item in parsed.errors]
        program = parsed.agents[0].program
        assert program is not None
        return interpret(program, arguments=arguments or {}, effects=world, limits=limits, facts=facts)

    return go


@pytest.fixture
def decide() -> Callable[..., RuleVerdict]:
    """Return a function that decides an action by the rules of one policy; the first rule stands on line 2."""

    def go(rules: str, action: str, arguments: dict[str, Any] | None = None, **request: Any) -> RuleVerdict:
        parsed = parse_definition(f"agent a {{ policy p {{\n{rules}\n}} }}")
        assert parsed.ok, [(item.code, item.message) for item in parsed.errors]
        return evaluate_rules(parsed.agents[0].rules, RuleRequest(action=action, arguments=arguments or {}, **request))

    return go


def parse(text: str, **more: Any) -> ParsedDefinition:
    """Parse a definition."""
    return parse_definition(text, **more)


def codes(text: str, **more: Any) -> list[str]:
    """Return the codes of all diagnostics of a text."""
    return [item.code for item in parse_definition(text, **more).diagnostics]


@pytest.fixture(name="codes")
def codes_fixture() -> Callable[..., list[str]]:
    """Return a function that gives the codes of all diagnostics of a text."""
    return codes
