"""Old dialects, lint, and texts that do not parse."""

from __future__ import annotations

import pytest

from symbi.contracts.policy_sets import PolicyFinding
from symbi.testing.policy import bundle_of, request_for
from symbi_cedar.engine import CedarEngine
from symbi_cedar.parse import statements


def findings(text: str) -> list[PolicyFinding]:
    return list(CedarEngine().check(bundle_of(text)).findings)


def errors(text: str) -> list[str]:
    return [each.code for each in findings(text) if each.severity == "error"]


def warnings(text: str) -> set[str]:
    return {each.code for each in findings(text) if each.severity == "warning"}


def decision(text: str, tool: str = "clock", **more: object) -> str:
    engine = CedarEngine()
    engine.reload(bundle_of(text))
    return engine.decide(request_for(tool, **more)).decision


@pytest.mark.parametrize(
    "text",
    [
        'permit (principal == Agent::"alpha", action == Action::"tool_call::clock", resource == Resource::"default");',
        'permit (principal is Agent, action in [Action::"tool_call::clock"], resource);',
        'permit (principal, action, resource) when { principal == Agent::"alpha" };',
        'permit (principal, action, resource) when { Agent::"alpha" == principal };',
        'permit (principal, action, resource) unless { principal != Agent::"alpha" };',
        'permit (principal, action, resource) when { [Agent::"alpha", Agent::"z"].contains(principal) };',
        'permit (principal, action, resource) when { resource.tool_name == "clock" };',
        'permit (principal, action, resource) when { resource == Symbi::Resource::"default" };',
    ],
)
def test_old_policies_match(text: str) -> None:
    assert decision(text) == "allow"
    assert decision(text, agent="beta") == ("allow" if "alpha" not in text else "deny")


def test_a_namespaced_forbid_stops_the_loops_request() -> None:
    text = (
        'permit (principal, action, resource); forbid (principal, action == Symbi::Action::"tool_call::rm", resource);'
    )
    assert decision(text, "rm") == "deny"


def test_tool_input_and_old_context_attributes_are_found_where_they_are_now() -> None:
    text = 'permit (principal, action, resource) when { context.tool_input.command like "ls*" };'
    assert decision(text, "Bash", arguments={"command": "ls -l"}) == "allow"
    assert decision(text, "Bash", arguments={"command": "rm"}) == "deny"
    old = 'permit (principal is Agent, action, resource) when { context has ticket && context.ticket == "high" };'
    assert decision(old, trusted={"ticket": "high"}) == "allow"
    assert decision(old) == "deny"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("permit (principal, action, resource) when { context.a = 1 };", "syntax"),
        ('@id("x") permit (principal == ?principal, action, resource);', "template"),
        ('permit (principal == Symbi::Agent::"hellо", action, resource);', "non-ascii"),
        ('permit (principal, action, resource) when { context.args.x == "pаypal" };', "mixed-script"),
        ('permit (principal, action == Acme::Action::"x", resource);', "unknown-type"),
        ("permit (principal is Admin, action, resource);", "unknown-type"),
        ("permit (principal, action, resource) when {" + "(" * 5000 + "true" + ")" * 5000 + "};", "too-deep"),
        ("permit (principal, action, resource) when {" + "[" * 5000 + "]" * 5000 + "};", "too-deep"),
        ("permit (principal, action, resource) when {" + "if true then true else " * 3000 + "true};", "too-deep"),
        ("permit (principal, action, resource) when {" + "&&".join(["true"] * 500) + "};", "too-deep"),
        ("permit (principal, action, resource) when {context" + ".a" * 250 + "};", "too-deep"),
        ("permit (principal, action, resource) when {" + "&&".join(["true"] * 3000) + "};", "too-deep"),
    ],
)
def test_refused(text: str, code: str) -> None:
    assert errors(text) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("permit (principal, action, resource);", "permit-all"),
        ("permit (principal, action, resource);", "missing-id"),
        ("permit (principal is Agent, action, resource);", "old-namespace"),
        ('@id("a") permit (principal, action == Symbi::Action::"tool_cal::x", resource);', "unknown-action"),
        ('@id("a") forbid (principal, action, resource) when { context.sensitive };', "unknown-attribute"),
        (
            '@id("a") forbid (principal, action, resource) when { context.args.path like "/etc*" };',
            "unguarded-argument",
        ),
        (
            '@id("a") forbid (principal, action in Symbi::Action::"tool_call", resource) when { context.trusted.x };',
            "unguarded-argument",
        ),
        ('@id("a") @obligation("log:full") forbid (principal, action, resource);', "forbid-obligation"),
        (
            '@id("a") permit (principal, action, resource); @id("b") permit (principal, action, resource);',
            "duplicate-policy",
        ),
    ],
)
def test_doubtful(text: str, code: str) -> None:
    assert errors(text) == []
    assert code in warnings(text)


def test_a_fault_is_found_on_its_line() -> None:
    text = '// a comment; with a semicolon\n@id("a;b") permit (principal, action, resource);\n\nforbid (principal, actoin, resource);\n'
    found = [each for each in findings(text) if each.severity == "error"]
    assert [(each.code, each.line) for each in found] == [("syntax", 4)]


def test_statements_know_strings_and_comments() -> None:
    text = 'permit (principal, action, resource) when { context.args.a == "x;\\";y" }; // end;\n\npermit (principal,\naction, resource);'
    assert [line for line, _text in statements(text)] == [1, 3]


def test_ids_are_the_annotation_or_file_and_number() -> None:
    report = CedarEngine().check(
        bundle_of(
            'permit (principal, action, resource) when { false };\n@id("mine") forbid (principal, action, resource);'
        )
    )
    assert report.policies == ("p0_0", "mine")
    named = CedarEngine().check(bundle_of('permit (principal, action == Symbi::Action::"tool_call::x", resource);'))
    assert named.actions == ("tool_call::x",)
    assert report.places == {"p0_0": "p0:1", "mine": "p0:2"}


def test_format_keeps_comments() -> None:
    assert CedarEngine().format("permit(principal,action,resource);// why\n").count("// why") == 1
