"""The agent's own rules beside the engine: deny wins, closed world, holds, rates (dsl.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from symbi.contracts.definitions import PolicyRule, PolicySpec, RuleSet
from symbi.contracts.languages import RuleRequest, RuleVerdict
from symbi.contracts.policy import AgentRules, PolicyDenied, PolicyHeld
from symbi.contracts.principal import Principal
from symbi.testing.policy import Rule, request_for

ALL = Rule(id="all", effect="permit")
RULES = RuleSet(
    policies=(PolicySpec(name="p", line=1, rules=(PolicyRule(effect="allow", target="clock", line=2, column=1),)),)
)


class FakeLanguage:
    """A language whose verdict a test writes as a function of the question."""

    name = entry = "fake"

    def __init__(self, answer: Callable[[RuleRequest], RuleVerdict]) -> None:
        self._answer = answer
        self.asked: list[RuleRequest] = []

    def evaluate_rules(self, rules: RuleSet, request: RuleRequest) -> RuleVerdict:
        self.asked.append(request)
        return self._answer(request)


def rules_of(answer: Callable[[RuleRequest], RuleVerdict], rules: RuleSet = RULES) -> tuple[AgentRules, FakeLanguage]:
    language = FakeLanguage(answer)
    found: Any = language
    return AgentRules(language=found, rules=rules, capabilities=frozenset({"read"})), language


def said(decision: Any, **more: Any) -> Callable[[RuleRequest], RuleVerdict]:
    return lambda _request: RuleVerdict(decision=decision, **more)


CLOSED = said("deny", reason="nothing allows it")
EXPLICIT = said("deny", reason="no", policy="p", rule="deny: x", line=3)


async def test_an_allow_of_the_agent_does_not_outweigh_the_operators_silence(house: Any) -> None:
    rules, _ = rules_of(said("allow", policy="p", rule="allow: http_get", line=2))
    async with house(Rule(id="clock", effect="permit", tool="clock")) as h:
        assert (await h.gate.decide(request_for("http_get"), rules=rules)).decision == "deny"
        assert (await h.gate.decide(request_for("clock"), rules=rules)).rules[0].line == 2


async def test_a_denial_of_the_agent_stands_and_names_its_rule(house: Any) -> None:
    rules, _ = rules_of(EXPLICIT)
    async with house(ALL) as h:
        decision = await h.gate.decide(request_for("x"), rules=rules)
        assert decision.decision == "deny"
        assert (decision.rules[0].policy, decision.rules[0].line) == ("p", 3)
        assert h.audit.records[0]["details"]["rules"][0]["rule"] == "deny: x"


async def test_the_closed_world_denies_all_but_the_end(house: Any) -> None:
    rules, _ = rules_of(CLOSED)
    async with house(ALL) as h:
        assert (await h.gate.decide(request_for("x"), rules=rules)).decision == "deny"
        assert (await h.gate.decide(request_for("", action="respond"), rules=rules)).decision == "allow"
        explicit, _ = rules_of(EXPLICIT)
        assert (await h.gate.decide(request_for("", action="respond"), rules=explicit)).decision == "deny"


async def test_silence_defers_to_the_engine(house: Any) -> None:
    rules, _ = rules_of(said("defer"))
    async with house(ALL) as h:
        assert (await h.gate.decide(request_for("x"), rules=rules)).policies == ("all",)


async def test_a_hold_of_the_agent_waits_for_operators_and_then_is_told_of_it(house: Any) -> None:
    def answer(request: RuleRequest) -> RuleVerdict:
        return RuleVerdict(decision="allow" if request.approved else "hold", policy="p", rule="require", line=4)

    rules, language = rules_of(answer)
    async with house(ALL) as h:
        request = request_for("x", run_id="r")
        with pytest.raises(PolicyHeld) as held:
            await h.gate.admit(request, rules=rules)
        assert h.approvals.held[held.value.approval_id].group == "operators"
        h.approvals.resolve(held.value.approval_id, "approved")
        await h.gate.admit(request, rules=rules, approval=held.value.approval_id)
        assert language.asked[-1].approved is True


async def test_guards_get_names_and_both_words_for_memory(house: Any) -> None:
    def answer(request: RuleRequest) -> RuleVerdict:
        if request.action == "remember":
            return RuleVerdict(decision="deny", reason="no", policy="p", rule="deny: remember", line=5)
        return RuleVerdict(decision="allow", policy="p", rule="allow: memory_write", line=6)

    rules, language = rules_of(answer)
    async with house(ALL) as h:
        decision = await h.gate.decide(request_for("notes", action="memory_write", arguments={"x": 1}), rules=rules)
        assert decision.decision == "deny"
        assert {each.action for each in language.asked} == {"remember", "memory_write"}
        asked = language.asked[0]
        assert asked.environment["parameters"] == {"x": 1}
        assert asked.environment["agent"]["name"] == "alpha"
        assert asked.capabilities == frozenset({"read"})
        assert asked.sandbox == "tier1"
        assert asked.resource == "notes"


async def test_a_language_that_breaks_denies(house: Any) -> None:
    def answer(_request: RuleRequest) -> RuleVerdict:
        raise RuntimeError("boom")

    rules, _ = rules_of(answer)
    async with house(ALL) as h:
        with pytest.raises(PolicyDenied, match="could not be evaluated"):
            await h.gate.admit(request_for("x"), rules=rules)


async def test_rates_are_counted_for_the_language(house: Any, fake_clock: Any) -> None:
    rule = PolicyRule(
        effect="require", target='{ rate_limiting: "2/minute" }', line=7, column=1, rate_count=2, rate_window_seconds=60
    )
    limited = RuleSet(policies=(PolicySpec(name="p", line=1, rules=(rule,)),))

    def answer(request: RuleRequest) -> RuleVerdict:
        assert request.rates is not None
        ok = request.rates["p:7"] < 2
        return RuleVerdict(decision="allow" if ok else "deny", reason="too often", policy="p", rule="require", line=7)

    rules, _ = rules_of(answer, limited)
    async with house(ALL, clock=fake_clock) as h:
        for _ in range(2):
            h.gate.evaluate(request_for("x"), rules=rules)
            await h.gate.admit(request_for("x"), rules=rules)
        with pytest.raises(PolicyDenied, match="too often"):
            await h.gate.admit(request_for("x"), rules=rules)
        await h.gate.admit(request_for("x", agent="beta"), rules=rules)
        await fake_clock.advance(61)
        await h.gate.admit(request_for("x"), rules=rules)


async def test_a_rate_may_count_apart_for_each_user(house: Any) -> None:
    rule = PolicyRule(
        effect="require", target="…", line=7, column=1, rate_count=1, rate_window_seconds=60, rate_key="user.id"
    )
    limited = RuleSet(policies=(PolicySpec(name="p", line=1, rules=(rule,)),))

    def answer(request: RuleRequest) -> RuleVerdict:
        assert request.rates is not None
        return RuleVerdict(decision="allow" if request.rates["p:7"] < 1 else "deny", policy="p", rule="r", line=7)

    rules, _ = rules_of(answer, limited)
    async with house(ALL) as h:
        for name in ("ann", "bob"):
            request = msgspec.structs.replace(request_for("x"), principal=Principal(id=f"user:{name}", kind="user"))
            await h.gate.admit(request, rules=rules)
            with pytest.raises(PolicyDenied):
                await h.gate.admit(request, rules=rules)


async def test_pol_5_what_came_in_with_the_run_cannot_pose_as_what_the_runtime_knows(house: Any) -> None:
    rules, language = rules_of(said("allow", policy="p", rule="r", line=1))
    spoofed = {
        "user": {"admin": True}, "agent": {"trust": "high"}, "context": {"approved": True}, "session": 1, "action": "x",
        "signature_verified": True, "concurrent_agents": 0, "requirements": ["mfa"], "city": "Bonn", "parameters": {"n": 1},
    }  # fmt: skip
    rules = msgspec.structs.replace(rules, environment=spoofed)
    who = Principal(id="user:eve", kind="user")
    async with house(ALL) as h:
        await h.gate.decide(msgspec.structs.replace(request_for("x"), principal=who), rules=rules)
    seen = language.asked[0].environment
    assert seen["user"] == {"id": "user:eve", "kind": "user", "admin": False, "roles": []}
    assert "approved" not in seen["context"]
    assert (seen["signature_verified"], seen["concurrent_agents"], seen["requirements"]) == (False, None, [])
    assert (seen["city"], seen["parameters"]) == ("Bonn", {"n": 1})


async def test_audit_rules_are_named_in_the_record_and_limits_reach_who_acts(house: Any) -> None:
    entry = {"policy": "p", "rule": "audit: x", "line": 9, "config": {}}
    rules, _ = rules_of(
        said("allow", policy="p", rule="allow: x", line=2, audit=(entry,), limits={"timeout_seconds": 5})
    )
    async with house(ALL) as h:
        decision = await h.gate.decide(request_for("x"), rules=rules)
        assert decision.limits == {"timeout_seconds": 5}
        recorded = h.audit.records[0]["details"]["rules"]
        assert [each["line"] for each in recorded] == [2, 9]
        assert any(each.kind == "log" for each in decision.obligations)
