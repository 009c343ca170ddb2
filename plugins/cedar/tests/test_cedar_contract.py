"""The engine under the contract of all engines, and the reference engine under the same."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from symbi.testing.policy import PolicyEngineContract, ReferenceEngine, Rule
from symbi_cedar.engine import CedarEngine


class TestCedar(PolicyEngineContract):
    @pytest.fixture
    def engine(self) -> CedarEngine:
        return CedarEngine()

    def render(self, rules: Sequence[Rule]) -> str:
        return "\n".join(map(cedar_text, rules))


class TestReference(PolicyEngineContract):
    @pytest.fixture
    def engine(self) -> ReferenceEngine:
        return ReferenceEngine()

    def render(self, rules: Sequence[Rule]) -> str:
        return msgspec.json.encode(list(rules)).decode()


def cedar_text(rule: Rule) -> str:
    principal = f' == Symbi::Agent::"{rule.agent}"' if rule.agent else ""
    action = f' == Symbi::Action::"tool_call::{rule.tool}"' if rule.tool else ""
    when = ""
    if rule.argument:
        when = f' when {{ context.args has {rule.argument} && context.args.{rule.argument} == "{rule.equals}" }}'
    return f'@id("{rule.id}")\n{rule.effect} (principal{principal}, action{action}, resource){when};'
