"""Validation: every code of dsl.md §9, each by a text that earns it and one that does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from symbi_dsl.facts.definition import parse_definition

HOOK = 'webhook {} {{ path: "/{}" secret: "s" }}'

EARNED: list[tuple[str, str, str]] = [
    ("E401", "agent a {} agent a {}", "agent a {} agent b {}"),
    ("E401", "function f() {} function f() {}", "agent a { function f() {} } agent b { function f() {} }"),
    ("E401", "type T = int type T = string", "type T = int"),
    ("E401", "policy p {} policy p {}", "policy p {} policy q {}"),
    ("E401", HOOK.format("w", "a") + HOOK.format("w", "b"), HOOK.format("w", "a") + HOOK.format("v", "b")),
    ("E402", 'memory m { path: "a" path: "b" }', 'memory m { path: "a" }'),
    ("E402", 'agent a { with sandbox = "docker", sandbox = "gvisor" {} }', 'agent a { with sandbox = "docker" {} }'),
    ("E402", "agent a(x: int, x: int) {}", "agent a(x: int, y: int) {}"),
    ("E402", "struct S { a: int a: int }", "struct S { a: int }"),
    ("E402", "function f() { x = { a: 1, a: 2 } }", "function f() { x = { a: 1 } }"),
    ("E403", 'agent a { with sandbox = "dokcer" {} }', "agent a { with sandbox = Docker {} }"),
    ("E403", "agent a { security { tier: Tier9 } }", "agent a { security { tier: tier1 } }"),
    ("E404", 'agent a { with timeout = "soon" {} }', 'agent a { with timeout = "1h 30m" {} }'),
    ("E404", "agent a { with timeout = 0s {} }", "agent a { with timeout = 30.seconds {} }"),
    ("E404", 'memory m { retention: "forever" }', 'memory m { retention: "90.days" }'),
    ("E405", "type A = B type B = A", "type A = B type B = int"),
    ("E405", "type A = list<A>", "struct A { next: Optional<A> }"),
    ("E406", "schedule s { agent: s }", 'schedule s { cron: "0 0 0 * * *" }'),
    ("E406", 'schedule s { cron: "0 0 0 * * *" at: "2030-01-01" }', 'schedule s { at: "2030-01-01T00:00:00" }'),
    ("E407", 'schedule s { cron: "0 0 0 30 2 *" }', 'schedule s { cron: "0 0 0 29 2 *" }'),
    ("E407", 'schedule s { cron: "nope" }', 'schedule s { cron: "@daily" }'),
    (
        "E407",
        'schedule s { at: "2030-01-01" timezone: "Mars/Base" }',
        'schedule s { at: "2030-01-01" timezone: "UTC" }',
    ),
    ("E407", 'schedule s { at: "tomorrow" }', 'schedule s { at: "2030-01-01T10:00:00+02:00" }'),
    ("E408", 'schedule s { cron: "0 0 0 * * *" }', 'agent s {} schedule s { cron: "0 0 0 * * *" }'),
    ("E409", 'channel c { workspace: "x" }', "channel c { platform: slack }"),
    ("E409", "channel c { platform: irc }", "channel c { platform: Mattermost }"),
    ("E410", 'webhook w { secret: "x" }', 'webhook w { path: "/x" secret: "x" }'),
    ("E410", 'webhook w { path: "/x" }', 'webhook w { path: "/x" provider: custom unsigned: true }'),
    ("E410", 'webhook w { path: "x" secret: "y" }', 'webhook w { path: "/x" secret: vault://a/b }'),
    ("E410", HOOK.format("w", "a") + HOOK.format("v", "a"), HOOK.format("w", "a")),
    (
        "E410",
        'webhook w { path: "/x" secret: "y" filter { equals: "a" } }',
        'webhook w { path: "/x" secret: "y" filter { json_path: "$.a" equals: "a" } }',
    ),
    ("E411", "memory m { store: postgres }", "memory m { store: markdown }"),
    ("E411", 'memory m { path: "../up" }', 'memory m { path: "data/x" }'),
    ("E411", 'memory m { path: "/etc" }', "memory m { }"),
    ("E411", "memory m { search { vector_weight: 2 } }", "memory m { search { vector_weight: 1 } }"),
    (
        "E411",
        "memory m { search { vector_weight: 0 keyword_weight: 0 } }",
        "memory m { search { vector_weight: 0 keyword_weight: 1 } }",
    ),
    (
        "E412",
        'metadata { executor = "claude_code" } agent a {}',
        'metadata { executor = "claude_code" allowed_tools = "Read, Bash(git diff:*)" } agent a {}',
    ),
    ("E413", "agent a { with max_memory_mb = 0 {} }", "agent a { with max_memory_mb = 512 {} }"),
    ("E413", "agent a { with max_cpu_cores = 0 {} }", "agent a { with max_cpu_cores = 0.5 {} }"),
    ("E413", "agent a { resources { memory: 5 } }", "agent a { resources { memory: 5MB } }"),
    ("E414", "agent a { capabilities: [1] }", 'agent a { capabilities: [a, "b"] }'),
    ("E415", 'metadata { name = "other" } agent a {}', 'metadata { name = "my-agent" } agent my_agent {}'),
    (
        "E415",
        'metadata { version = "1" } agent a { version: "2" }',
        'metadata { version = "1" } agent a { version: "1" }',
    ),
    ("E416", "function f() { break }", "function f() { while x { break } }"),
    ("E417", "function f() { len() }", "function f() { len(x) }"),
    (
        "E417",
        "function f() { parse_json(a, b) }",
        "function parse_json(a: int, b: int) {} function f() { parse_json(1, 2) }",
    ),
    ("E418", 'agent a { with sandbox = "none" {} }', 'agent a { with sandbox = "none", allow_native = true {} }'),
    ("E418", "agent a { security { sandbox: permissive } }", "agent a { security { sandbox: strict } }"),
    ("E419", 'policy p { allow: x if reason("a", "b") }', "policy p { allow: x if a.b(c) }"),
    ("E419", 'policy p { require: http.get("x") }', "policy p { require: validate(x) }"),
    ("E419", "policy p { allow: x if (if a { while b { } } else { }) }", "policy p { allow: x if xs.any(y => y) }"),
    ("E302", 'agent a { with sandbx = "docker" {} }', 'agent a { with sandbox = "docker" {} }'),
    ("E302", 'webhook w { path: "/x" secrett: "y" secret: "y" }', 'webhook w { path: "/x" secret: "y" }'),
    ("E302", 'metadata { alowed_tools = "Read" }', 'metadata { allowed_tools = "Read" }'),
    ("E420", 'metadata { schedule = "0 0 0 * * *" }', "metadata { }"),
    ("E420", 'metadata { executor = "cloud_code" } agent a {}', 'metadata { executor = "dsl" } agent a {}'),
    ("E420", 'schedule s { at: "2030-01-01" audit: loud }', 'schedule s { at: "2030-01-01" audit: none }'),
    ("E420", "agent a { with memory = sesion {} }", "agent a { with memory = session {} }"),
    (
        "E420",
        "channel c { platform: slack data_classification { a: burn } }",
        "channel c { platform: slack data_classification { a: block } }",
    ),
    ("E106", "function f() { x = 9223372036854775808 }", "function f() { x = 9223372036854775807 }"),
    ("W300", "", "agent a {}"),
    ("W301", 'agent a { name: "a\\(" }', 'agent a { name: "a\\n" }'),
    ("W302", "memory m { colour: red }", "memory m { }"),
    ("W303", "agent a { with timeout = 30 {} }", "agent a { with timeout = 30s {} }"),
    ("W304", "agent a {}", 'metadata { version = "1" description = "d" } agent a {}'),
    ("W305", 'schedule s { cron: "0 7 * * 1-5" }', 'schedule s { cron: "0 0 7 * * 1-5" }'),
    ("W306", "agent a {}", "agent a { policy p {} }"),
    ("W307", "function f() {}", "function f() {} function main() { f() }"),
    ("W307", "function main(x: int) {}", "function main(x: int) { x }"),
    ("W308", "policy p { audit: all with { a: 1 } }", "policy p { audit: all }"),
    ("W309", "function main() { x = 1\n y = 2\n }", "function main() { x = 1; y = 2; }"),
    ("W310", "policy p { require: { moon_phase: full } }", 'policy p { require: { rate_limiting: "1/minute" } }'),
    ("W310", "agent a { with encryption = strong {} }", "agent a { with priority = high {} }"),
    ("W310", "agent a { with memory = forever {} }", "agent a { with memory = session {} }"),
    ("W310", 'schedule s { at: "2030-01-01" deliver: pigeon }', 'schedule s { at: "2030-01-01" deliver: "slack://x" }'),
    ("W311", "#if x\nagent a {}", "# iffy\nagent a {}"),
    ("W312", "metadata { a: 1 a: 2 }", "metadata { a: 1 }"),
]


@pytest.mark.parametrize(("code", "text", "clean"), EARNED)
def test_each_code_is_given_where_it_is_due(code: str, text: str, clean: str, codes: Callable[..., list[str]]) -> None:
    """The first text earns the code; the second, nearly the same, does not."""
    assert code in codes(text)
    assert code not in codes(clean)


def test_severity_follows_the_letter() -> None:
    """E is an error and W a warning; only a reference in a lone file is a warning with an E code (§9 E408)."""
    for code, text, _ in EARNED:
        for item in parse_definition(text).diagnostics:
            if item.code == code and code != "E408":
                assert item.severity == ("error" if code[0] == "E" else "warning")


def test_references_are_errors_in_a_project() -> None:
    """E408 is a warning in a file on its own, an error where all agents are known."""
    text = 'schedule s { cron: "0 0 0 * * *" agent: worker }'
    assert parse_definition(text).ok
    assert not parse_definition(text, agents=frozenset({"other"})).ok
    assert parse_definition(text, agents=frozenset({"worker"})).ok


def test_everything_is_collected() -> None:
    """Validation does not stop at the first fault."""
    text = 'agent a { with sandbox = "x", timeout = "y" {} } agent a {} schedule s {} channel c {}'
    found = [item.code for item in parse_definition(text).errors]
    assert found == ["E403", "E404", "E401", "E406", "E409"]


def test_words_that_upstream_tests_assert() -> None:
    """The compatibility strings of §10."""
    texts = {
        "schedule s {}": "must specify either",
        'schedule s { cron: "0 0 0 * * *" at: "2030-01-01" }': "cannot specify both",
        "channel c {}": "must specify 'platform'",
        "webhook w {}": "path",
        'agent a { with sandbox = "x" {} }': "Invalid sandbox tier",
    }
    for text, words in texts.items():
        assert any(words in item.message for item in parse_definition(text).errors), text
