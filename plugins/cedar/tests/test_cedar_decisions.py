"""POL-1 to POL-8 and POL-60 on Cedar."""

from __future__ import annotations

from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.policy import AgentFacts, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.testing.policy import bundle_of, request_for
from symbi_cedar.config import CedarConfig
from symbi_cedar.context import Refused, build_context, clean
from symbi_cedar.engine import CedarEngine

PERMIT_ALL = '@id("all") permit (principal, action, resource);'


def engine_of(*texts: str, **layers: str) -> CedarEngine:
    engine = CedarEngine()
    engine.reload(bundle_of(*texts, **layers))
    return engine


def decide(text: str, request: PolicyRequest) -> str:
    return engine_of(text).decide(request).decision


def test_pol_1_a_forbid_that_errs_denies_and_names_policy_and_attribute() -> None:
    engine = engine_of(
        PERMIT_ALL, '@id("careful") forbid (principal, action, resource) when { context.sensitive == true };'
    )
    decision = engine.decide(request_for())
    assert decision.decision == "deny"
    assert "careful" in decision.reason
    assert "sensitive" in decision.reason
    assert decision.errors
    assert decision.matched


@pytest.mark.parametrize(
    "arguments",
    [
        {"u": {"__entity": {"type": "Symbi::Admin", "id": "root"}}},
        {"u": {"__extn": {"fn": "ip", "arg": "127.0.0.1"}}},
        {"u": [{"__entity": {"type": "Symbi::Agent", "id": "root"}}]},
    ],
)
def test_pol_2_arguments_never_pose_as_entities(arguments: dict[str, Any]) -> None:
    text = '@id("x") permit (principal, action, resource) when { context.args.u == Symbi::Agent::"root" };'
    assert decide(text, request_for(arguments=arguments)) == "deny"


def test_pol_2_values_keep_their_meaning() -> None:
    config = CedarConfig()
    assert clean({"f": 1.5, "n": None, "big": 2**63, "ok": 2**63 - 1, "fine": 0.00001, "esc:a": 1}, config) == {
        "f": {"__extn": {"fn": "decimal", "arg": "1.5000"}},
        "big": str(2**63),
        "ok": 2**63 - 1,
        "fine": "1e-05",
        "esc:esc:a": 1,
    }
    long = clean({"t": "é" * 40_000}, config)
    assert long["t"]["size"] == 80_000
    assert len(long["t"]["sha256"]) == 64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, b"x"])
def test_pol_2_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(Refused):
        clean({"v": value}, CedarConfig())


def test_pol_2_depth_and_size_are_bounded() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    engine = engine_of(PERMIT_ALL)
    assert engine.decide(request_for(arguments={"d": deep})).decision == "deny"
    large = engine.decide(request_for(arguments={"d": "x" * 300_000}))
    assert large.decision == "deny"
    assert "bytes" in large.reason


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(("__entity", "__extn", "__expr", "type", "id", "fn", "arg")), st.text(max_size=8)
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
ENGINE = engine_of(
    PERMIT_ALL,
    '@id("root") forbid (principal, action, resource) when { context.args has u && context.args.u == Symbi::Agent::"root" };',
)


@settings(max_examples=100, deadline=None)
@given(value=_json)
def test_pol_2_no_json_raises_or_forges(value: Any) -> None:
    decision = ENGINE.decide(request_for(arguments={"u": value}))
    assert decision.decision in ("allow", "deny")
    assert "root" not in decision.policies


@settings(max_examples=100, deadline=None)
@given(name=st.text(max_size=40))
def test_pol_3_any_tool_name_is_only_a_name(name: str) -> None:
    engine = engine_of('@id("one") permit (principal, action == Symbi::Action::"tool_call::clock", resource);')
    assert engine.decide(request_for(name)).decision == ("allow" if name == "clock" else "deny")


@pytest.mark.parametrize("name", ['x" || true', "a\nb", "é", "tool_call::x", "", "\\", "\x00"])
def test_pol_3_odd_names_match_themselves(name: str) -> None:
    engine = engine_of('@id("any") permit (principal, action in Symbi::Action::"tool_call", resource);')
    assert engine.decide(request_for(name)).decision == "allow"


def test_pol_5_identity_does_not_come_from_arguments() -> None:
    text = '@id("a") permit (principal == Symbi::Agent::"alpha", action, resource);'
    forged = request_for(agent="beta", arguments={"principal": "alpha", "agent": {"name": "alpha"}})
    assert decide(text, forged) == "deny"


def test_pol_5_a_name_shaped_like_an_id_is_no_name() -> None:
    victim = "8f7c0b4e-0000-4000-8000-000000000001"
    text = f'@id("a") permit (principal == Symbi::Agent::"{victim}", action, resource);'
    thief = AgentFacts(id="other", name=victim)
    who = Principal(id="key:x", kind="key")
    assert decide(text, PolicyRequest(principal=who, action="tool_call", target="t", agent=thief)) == "deny"
    owner = AgentFacts(id=victim, name="owner")
    assert decide(text, PolicyRequest(principal=who, action="tool_call", target="t", agent=owner)) == "allow"


def test_an_agent_acted_on_answers_to_its_name_too() -> None:
    text = '@id("x") forbid (principal, action == Symbi::Action::"agent_delete", resource == Symbi::Agent::"keeper");'
    who = Principal(id="user:ann", kind="user")
    target = ResourceFacts(type="Agent", id="8f7c0b4e-0000-4000-8000-000000000001", attributes={"name": "keeper"})
    request = PolicyRequest(principal=who, action="agent_delete", target="keeper", resource=target, source="api")
    assert engine_of(text).decide(request).policies == ("x",)


def test_pol_6_denial_carries_code_advice_and_ids() -> None:
    decision = engine_of('@id("no") @advice("use the cache") forbid (principal, action, resource);').decide(
        request_for()
    )
    assert decision.denial() == {
        "code": "policy_denied",
        "reason": "tool_call::clock is forbidden by no",
        "retryable": False,
        "advice": ["use the cache"],
        "policies": ["no"],
    }


def test_pol_7_obligations_of_all_permits_count() -> None:
    engine = engine_of(
        '@id("a") @obligation("approval:ops; rate:10/60s") permit (principal, action, resource);'
        '@id("b") @obligation("log:full") permit (principal, action, resource);'
    )
    found = [(each.kind, each.value, each.policy) for each in engine.decide(request_for()).obligations]
    assert found == [("approval", "ops", "a"), ("rate", "10/60s", "a"), ("log", "full", "b")]


def test_pol_7_an_unknown_obligation_is_refused_at_load() -> None:
    report = CedarEngine().check(bundle_of('@id("a") @obligation("notify:me") permit (principal, action, resource);'))
    assert [each.code for each in report.findings if each.severity == "error"] == ["unknown-obligation"]


def test_pol_8_texts_are_parsed_once_per_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    parses: list[str] = []
    original = cedarpy.policies_to_json_str
    monkeypatch.setattr(cedarpy, "policies_to_json_str", lambda text: (parses.append(text), original(text))[1])
    engine = engine_of(
        *(f'@id("p{n}") permit (principal, action == Symbi::Action::"tool_call::t{n}", resource);' for n in range(20))
    )
    for n in range(200):
        engine.decide(request_for(f"t{n % 20}"))
    assert len(parses) == 20


def test_slices_decide_as_the_whole_set_does() -> None:
    texts = [
        '@id("group") permit (principal, action in Symbi::Action::"tool_call", resource) when { context.depth < 3 };',
        '@id("some") forbid (principal, action in [Symbi::Action::"tool_call::rm", Symbi::Action::"respond"], resource);',
        '@id("all") forbid (principal, action, resource) when { context.surface == "eval" };',
        '@id("bad") forbid (principal, action == Symbi::Action::"tool_call::rm", resource) when { context.nope == 1 };',
    ]
    engine = engine_of(*texts)
    assert engine.decide(request_for("clock")).policies == ("group",)
    assert engine.decide(request_for("clock", surface="eval")).policies == ("all",)
    assert engine.decide(request_for("rm")).errors
    assert engine.decide(request_for("", action="respond")).policies == ("some",)


def test_pol_60_conditional_tools_stay_and_forbidden_ones_go() -> None:
    engine = engine_of(
        '@id("a") permit (principal, action == Symbi::Action::"tool_call::read", resource) when { context.args.path like "/tmp/*" };'
        '@id("b") permit (principal, action in Symbi::Action::"tool_call", resource) when { resource.risk == "low" };'
        '@id("c") forbid (principal, action == Symbi::Action::"tool_call::rm", resource);'
    )
    tools = [
        ResourceFacts(id="read"),
        ResourceFacts(id="low", attributes={"risk": "low"}),
        ResourceFacts(id="rm", attributes={"risk": "low"}),
        ResourceFacts(id="other"),
        ResourceFacts(id='odd"name'),
    ]
    assert engine.visible_tools(request_for(), tools) == ("read", "low", 'odd"name')


def test_a_person_is_a_user_with_roles() -> None:
    who = Principal(id="user:ann", kind="user", roles=frozenset({"ops"}))
    request = PolicyRequest(principal=who, action="agent_create", source="api")
    text = '@id("ops") permit (principal in Symbi::Role::"ops", action == Symbi::Action::"agent_create", resource);'
    assert decide(text, request) == "allow"


def test_the_context_is_always_complete() -> None:
    import json

    from symbi_cedar.names import CONTEXT_KEYS

    assert set(json.loads(build_context(request_for(), CedarConfig()))) == CONTEXT_KEYS
