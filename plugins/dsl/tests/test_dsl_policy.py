"""Policy rules decided (dsl.md §8): deny, requirements, allow, closed world; fail closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.definitions import PolicyRule, PolicySpec, RuleSet
from symbi.contracts.languages import RuleRequest, RuleVerdict
from symbi_dsl.policy.evaluate import evaluate_rules

Decide = Callable[..., RuleVerdict]

TARGETS = [
    ('"read"', "read", {}, "allow"),
    ("read", "read", {}, "allow"),
    ("read", "write", {}, "deny"),
    ('"read*"', "read_file", {}, "allow"),
    ('"*_file"', "read_file", {}, "allow"),
    ('"r*d*e"', "read_file", {}, "allow"),
    ('"read*"', "unread", {}, "deny"),
    ("all_operations", "x", {}, "allow"),
    ("any", "x", {}, "allow"),
    ('["a", b]', "b", {}, "allow"),
    ('["a", b]', "c", {}, "deny"),
    ("http.get", "http.get", {}, "allow"),
    ("read", "tool_call::read", {}, "allow"),
    ("read(file)", "read", {"path": "/x"}, "allow"),
    ('publish("t")', "publish", {"$args": ["t"]}, "allow"),
    ('publish("t")', "publish", {"topic": "t"}, "allow"),
    ('publish("t")', "publish", {"topic": "u"}, "deny"),
    ('publish(topic: "t")', "publish", {"value": 1, "topic": "t"}, "allow"),
    ('publish("t*")', "publish", {"topic": "topics"}, "allow"),
    ("write(any)", "write", {"a": 1}, "allow"),
    ("true", "x", {}, "allow"),
    ("false", "x", {}, "deny"),
    ('user.role == "admin"', "x", {}, "allow"),
    ('user.role == "guest"', "x", {}, "deny"),
]
ENVIRONMENT = {"user": {"role": "admin", "roles": ["a", "b"]}, "session": {"verified": True}}


@pytest.mark.parametrize(("target", "action", "arguments", "wanted"), TARGETS)
def test_allow_targets(decide: Decide, target: str, action: str, arguments: dict[str, Any], wanted: str) -> None:
    """§8.1: what a target names; what no allow rule names is denied (closed world)."""
    verdict = decide(f"allow: {target}", action, arguments, environment=ENVIRONMENT)
    assert verdict.decision == wanted
    if wanted == "allow":
        assert (verdict.policy, verdict.line) == ("p", 2)


GUARDS = [
    ("file.size < 10", {"file": {"size": 5}}, "allow", "deny"),
    ("file.size < 10", {"file": {"size": 50}}, "deny", "defer"),
    ("file.nope < 10", {"file": {"size": 5}}, "deny", "deny"),
    ("nobody.knows", {}, "deny", "deny"),
    ('file.size < "a"', {"file": {"size": 5}}, "deny", "deny"),
    ("check_rate_limit(file)", {"file": 1}, "deny", "deny"),
    ('user.roles.contains("a") && session.verified', {}, "allow", "deny"),
    ('user.roles.any(r => r == "b")', {}, "allow", "deny"),
    ('user.roles.all(r => r == "b")', {}, "deny", "defer"),
    ('"c" in user.roles', {}, "deny", "defer"),
    ('if user.role == "admin" { true } else { false }', {}, "allow", "deny"),
    ('arguments.path.starts_with("/tmp/")', {"path": "/tmp/x"}, "allow", "deny"),
    ("1 / 0 == 1", {}, "deny", "deny"),
    ('(user.role == "admin" || user.role == "x") && (session.verified)', {}, "allow", "deny"),
    ('(user.role == "x") || (user.role == "y")', {}, "deny", "defer"),
]


@pytest.mark.parametrize(("guard", "arguments", "allowed", "denied"), GUARDS)
def test_guards_fail_closed(decide: Decide, guard: str, arguments: dict[str, Any], allowed: str, denied: str) -> None:
    """§8.2: a guard without a value counts as true for deny and as false for allow, and is told of."""
    allow = decide(f"allow: read(file) if {guard}", "read", arguments, environment=ENVIRONMENT)
    deny = decide(f"deny: read(file) if {guard}", "read", arguments, environment=ENVIRONMENT)
    assert (allow.decision, deny.decision) == (allowed, denied)
    if (allowed, denied) == ("deny", "deny"):
        assert "counted as false" in allow.diagnostics[0]
        assert "counted as true" in deny.diagnostics[0]


def test_deny_beats_everything(decide: Decide) -> None:
    """§8.3: a deny rule wins over allow rules and names itself."""
    verdict = decide('allow: all_operations\ndeny: "delete*"', "delete_all")
    assert (verdict.decision, verdict.policy, verdict.line) == ("deny", "p", 3)
    assert "line 3" in verdict.reason
    assert verdict.rule == 'deny: "delete*"'


def test_without_allow_rules_the_global_gate_decides(decide: Decide) -> None:
    """§8.3: no rule speaks and there is no allow rule: defer; with one: deny."""
    assert decide("deny: write", "read").decision == "defer"
    assert decide("deny: write\nallow: list", "read").decision == "deny"
    assert evaluate_rules(RuleSet(), RuleRequest(action="x")).decision == "defer"
    assert evaluate_rules(RuleSet(default_deny=True), RuleRequest(action="x")).decision == "deny"


def test_literal_arguments_of_deny_match_anywhere(decide: Decide) -> None:
    """A model chooses the order of named arguments, so it must not be able to hide one behind another."""
    assert decide('deny: invoke("prod")', "invoke", {"force": True, "name": "prod"}).decision == "deny"
    assert decide('allow: invoke("prod")', "invoke", {"note": "prod", "name": "other"}).decision == "deny"
    hidden = decide('allow: read(file) if file.starts_with("/ok")', "read", {"encoding": "/ok", "path": "/etc"})
    assert hidden.decision == "deny"


def test_the_tool_name_is_no_resource(decide: Decide) -> None:
    """A resource that is only the name of the action itself says nothing of its arguments."""
    verdict = decide('allow: read(file) if !file.starts_with("/etc")', "read", {}, resource="read")
    assert verdict.decision == "deny"


REQUIREMENTS = [
    ("user.verified", {"environment": {"user": {"verified": True}}}, "allow"),
    ("user.verified", {"environment": {"user": {}}}, "deny"),
    ("user.verified", {}, "deny"),
    ("validate(input)", {}, "deny"),
    ('"mfa"', {}, "deny"),
    ('"mfa"', {"capabilities": frozenset({"mfa"})}, "allow"),
    ("mfa", {"environment": {"requirements": ["mfa"]}}, "allow"),
    ('["mfa", user.ok]', {"environment": {"user": {"ok": True}}, "capabilities": frozenset({"mfa"})}, "allow"),
    ('["mfa", user.ok]', {"environment": {"user": {"ok": False}}, "capabilities": frozenset({"mfa"})}, "deny"),
    ('capability("net")', {}, "deny"),
    ('capability("net")', {"capabilities": frozenset({"net"})}, "allow"),
    ("{ approval: true }", {}, "hold"),
    ('{ approval_from: "ops" }', {"approved": True}, "allow"),
    ("approval", {}, "hold"),
    ('{ rate_limiting: "2/minute" }', {"rates": {"p:3": 1}}, "allow"),
    ('{ rate_limiting: "2/minute" }', {"rates": {"p:3": 2}}, "deny"),
    ('{ rate_limiting: "2/minute" }', {}, "deny"),
    ("{ sandbox_tier: tier2 }", {"sandbox": "tier2"}, "allow"),
    ("{ sandbox_tier: tier2 }", {"sandbox": "tier3"}, "allow"),
    ("{ sandbox_tier: gvisor }", {"sandbox": "tier1"}, "deny"),
    ("{ sandbox_tier: tier1 }", {}, "deny"),
    ("{ max_data_size: 1KB }", {"arguments": {"a": "x" * 10}}, "allow"),
    ("{ max_data_size: 1KB }", {"arguments": {"a": "x" * 2000}}, "deny"),
    ("{ signature_verification: true }", {}, "deny"),
    ("{ signature_verification: true }", {"environment": {"signature_verified": True}}, "allow"),
    ("{ moon_phase: full }", {}, "allow"),
]


@pytest.mark.parametrize(("target", "request_fields", "wanted"), REQUIREMENTS)
def test_requirements(target: str, request_fields: dict[str, Any], wanted: str) -> None:
    """§8.3, §8.4: a requirement that does not hold denies; approval holds; unknown keys are only reported (W310)."""
    rules = RuleSet(
        policies=(
            PolicySpec(
                name="p",
                line=1,
                rules=(
                    PolicyRule(effect="allow", target="any", line=2, column=1),
                    PolicyRule(effect="require", target=target, line=3, column=1, rate_count=2, rate_window_seconds=60),
                ),
            ),
        )
    )
    verdict = evaluate_rules(rules, RuleRequest(action="x", **request_fields))
    assert verdict.decision == wanted, verdict
    if wanted in ("deny", "hold"):
        assert (verdict.policy, verdict.line) == ("p", 3)


def test_a_requirement_with_a_guard_applies_only_then(decide: Decide) -> None:
    """§8.3: only a requirement that applies can deny; a guard without a value makes it apply."""
    rules = 'allow: any\nrequire: user.mfa if action == "pay"'
    assert decide(rules, "read").decision == "allow"
    assert decide(rules, "pay").decision == "deny"
    assert decide("allow: any\nrequire: user.mfa if nobody.knows", "read").decision == "deny"


def test_a_denied_action_is_never_held(decide: Decide) -> None:
    """Approval can not open what the closed world shuts."""
    assert decide("allow: read\nrequire: { approval: true }", "write").decision == "deny"
    assert decide("allow: read\nrequire: { approval: true }", "read").decision == "hold"


def test_limits_are_handed_on(decide: Decide) -> None:
    """§8.4: what the gate itself can not enforce it tells whoever carries the action out."""
    verdict = decide("allow: any\nrequire: { timeout: 5s, max_data_size: 2KB }\nrequire: { total_timeout: 1m }", "x")
    assert verdict.limits == {"timeout_seconds": 5.0, "max_bytes": 2048}


def test_audit_never_decides(decide: Decide) -> None:
    """§8.5: audit records what it says, with input left out unless asked for, and changes no decision."""
    plain = decide('allow: x\naudit: { log_level: "info", retention_days: 30 }', "x")
    assert plain.decision == "allow"
    assert plain.audit[0]["config"] == {"include_input": False, "log_level": "info", "retention_days": 30}
    assert decide("audit: write", "read").audit == ()
    assert decide("audit: write with { include_input: true }", "write").audit[0]["config"] == {"include_input": True}
    assert decide("audit: any", "x").decision == "defer"


def test_guards_are_bounded(decide: Decide) -> None:
    """§8.7: a guard that computes too much has no value, and takes no time."""
    big = ", ".join(["1"] * 400)
    guard = f"[{big}].all(a => [{big}].all(b => [{big}].all(c => true)))"
    assert decide(f"allow: x if {guard}", "x").decision == "deny"
    assert decide(f"deny: x if {guard}", "x").decision == "deny"


def test_stars_do_not_backtrack(decide: Decide) -> None:
    """A target full of stars is matched in linear time, and still matches."""
    target = '"' + "*a" * 2_000 + '"'
    assert decide(f"allow: {target}", "a" * 100_000).decision == "allow"
    assert decide(f'allow: {target[:-1]}b"', "a" * 100_000).decision == "deny"


def test_requests_that_can_not_be_read_are_denied(decide: Decide) -> None:
    """Data nested without end is refused, not followed."""
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    assert decide("allow: any", "x", {"a": deep}).decision == "deny"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    rules=st.lists(
        st.tuples(
            st.sampled_from(["allow", "deny", "require", "audit"]),
            st.sampled_from(
                ["x", "any", "read(f)", "f(1)", "{ a: 1 }", "[a, b]", "user.a", "((", "", "1 +", '"*"', "x => y"]
            ),
            st.sampled_from([None, "f.a", "arguments.a == 1", 'action == "x"', ")(", "parameters.a.b", "1 / 0"]),
        ),
        max_size=5,
    ),
    action=st.sampled_from(["x", "read", "f", "", "*"]),
    arguments=st.dictionaries(st.sampled_from(["a", "f", "$args", "b"]), JSON, max_size=3),
)
def test_evaluation_never_raises_and_deny_is_never_lost(
    rules: list[tuple[str, str, str | None]], action: str, arguments: dict[str, Any]
) -> None:
    """Whatever the rules and the request are, there is a verdict; taking allow rules away never allows more."""
    made = tuple(
        PolicyRule(effect=effect, target=target, guard=guard, line=index + 1, column=1)  # type: ignore[arg-type]
        for index, (effect, target, guard) in enumerate(rules)
    )
    request = RuleRequest(action=action, arguments=arguments)
    verdict = evaluate_rules(RuleSet(policies=(PolicySpec(name="p", line=1, rules=made),)), request)
    assert verdict.decision in ("allow", "deny", "hold", "defer")
    less = tuple(rule for rule in made if rule.effect != "allow")
    without = evaluate_rules(RuleSet(policies=(PolicySpec(name="p", line=1, rules=less),), default_deny=True), request)
    assert without.decision in ("deny",)


@pytest.mark.parametrize(
    "guard",
    [
        "arguments.o.any(x => arguments.l.all(y => y in arguments.l))",
        "arguments.o.any(x => arguments.n == arguments.m)",
        "arguments.o.any(x => arguments.l.map(to_string).length == 1)",
        'arguments.o.any(x => arguments.s.contains("zz" + x))',
        "arguments.o.any(x => sort(arguments.l) == 1)",
        'arguments.o.any(x => hash_sha256(arguments.s) == "")',
        "arguments.o.any(x => min(arguments.l) > 5)",
    ],
)
def test_guards_over_large_arguments_are_bounded(decide: Decide, guard: str) -> None:
    """Arguments are a model's choice: no guard goes over them for long."""
    import time

    arguments = {
        "o": list(range(3_000)),
        "l": list(range(9_000)),
        "n": [[1] * 100 for _ in range(200)],
        "m": [*([1] * 100 for _ in range(199)), [2] * 100],
        "s": "xyz" * 100_000,
    }
    started = time.process_time()
    assert decide(f"allow: x if {guard}", "x", arguments).decision == "deny"
    assert time.process_time() - started < 1.0
