"""What the grammar takes and what it refuses (dsl.md §3, §4)."""

from __future__ import annotations

import pytest

from symbi_dsl.facts.definition import parse_definition

ACCEPTED_BODIES = [
    "let x = 1;",
    "let x: list<list<int>> = []",
    "let x: list<list<int>>= []",
    "let channel = memory + policy; let match = 1",
    "x = { if: 1, for: 2, while: 3 }",
    "a.match(b.if)",
    "x = not y && !z || - 3 in [1, -3]",
    "x = a\n(b)\n[c]",
    "x = a\n  + b\n  - c\n  .d",
    "return\n-1",
    "f(a: 1, b = 2, )",
    "f(a: 1, 2)",
    "let f = (a, b) => a + b; let g = x => y => x * y; let h = () => 1",
    "let s = Point { x: 1, y: 2 }; let e = Empty {}",
    "if let Some(v) = y { } else if z {} else {}",
    "for q in [1, 2] { if q == 1 { continue } break }",
    "while x < 3 { x += 1 }",
    'match x { 1 => f(), "a" => { b }, Ok(v) => v, -2 => 0, null => 1, _ => { a: 1 } }',
    "match x { a => {} b => c }",
    "try { a() } catch (Err e) { } catch (e) { } catch { }",
    'require capability network\nrequire capabilities ["a", b]; require capability("x")',
    "check guard_rail; check(x)",
    'x.y[0].z += 1; x["a"] = 2; x %= 3',
    "let v = vault://team/key-1.x",
    "let d = [30s, 1.5h, 90.days, 250ms, 2months, 1y, 512MB, 4KiB, 10.milliseconds]",
    "let n = 1_000_000 + 0.5; let m = -9223372036854775808",
    'let s = """raw "quoted" \\n text"""',
    "let x = if a { 1 } else if b { 2 } else { 3 };",
    "if (a) { } while (b) { break } for i in (c) { }",
    "if f({ a: 1 }) { }",
    ";;",
    "/* a */ let x = 1 // b\n# c\n/* d\n */ let y = 2",
    "true == false; null != None",
    "5 .seconds; 1.hour",
    'xs.filter(x => x.a > 1).map(x => x.b).join(", ")',
]

REFUSED_BODIES = {
    "if a and b { }": "E205",
    "x = a or b": "E205",
    "x = a = b": "E206",
    "a b": "E207",
    "let x = 1 let y = 2": "E207",
    "f(x) = 1": "E208",
    "0.7 = f(x)": "E208",
    "true = 1": "E208",
    "let true = 1": "E200",
    "let x = 10000log_level": "E103",
    "let x = 90_days": "E103",
    "let x = 0xff": "E103",
    "let x = 1e5": "E103",
    "x = .5": "E200",
    "x = 5.": "E200",
    "a >> b": "E205",
    "x = a & b": "E100",
    "a ? b : c": "E100",
    "a::b": "E100",
    "x = |y| y": "E100",
    "x = 'single'": "E100",
    "for i in 0..4 { }": "E200",
    "async foo()": "E207",
    "agent x.call()": "E207",
    "x = [a = 1]": "E205",
    "if { a: 1 } { }": "E200",
    "x = $VAR": "E100",
    "match x { 1 => return 2 }": "E200",
    "x === y": "E205",
    "x++": "E205",
    "let x = if a { 1 }": "E200",
    "(a": "E200",
    'let s = "open': "E101",
    "/* open": "E102",
    "x = 1 +": "E200",
    "let x = 9223372036854775808": "E106",
    'let x = "a\\0b"': "E108",
    'let x = "\\u{d800}"': "E108",
    "break": "E416",
    "f(x => { break })": "E200",
}


def _body(text: str) -> str:
    return f"agent a {{ with {{\n{text}\n}} }}"


@pytest.mark.parametrize("body", ACCEPTED_BODIES)
def test_statements_that_are_taken(body: str) -> None:
    """Every statement and expression form of §4 parses without an error."""
    assert not parse_definition(_body(body)).errors


@pytest.mark.parametrize(("body", "code"), REFUSED_BODIES.items())
def test_statements_that_are_refused(body: str, code: str) -> None:
    """What §4 leaves out is refused with a code of its own, at the right line."""
    errors = parse_definition(_body(body)).errors
    assert errors
    assert errors[0].code == code
    assert errors[0].line == 2 or code in ("E101", "E102", "E200")


ITEMS = [
    "",
    "agent a {}",
    'agent a(x: int y: string = "b", z: list<int>,) -> map<string, int> {}',
    'metadata { version = "1" author: "x", tags = ["a", b]; nested { a: 1 } flag: true none: null neg: -3 }',
    'policy p { allow: read(file)\n if file.size < 3 deny: "x", require: { a: 1 }; audit: all with { x: 1 } if y }',
    "policy p { allow: if a { b } else { c } }",
    "type A = string type B = { a: int, b: list<A>; c: A }; type C = list<B>;",
    "struct S { a: int\n b: string, c: S }",
    "function f(a: int) -> int { a } fn g() { }",
    "behavior b { input { a: string b: int = 2 } output { c: int } steps { return a } }",
    'schedule s { cron: "0 0 0 * * *" } schedule { name: t, at: "2030-01-01T00:00:00Z" agent = s }',
    'memory m { store markdown path "data/x" retention 90.days search { vector_weight 0.7 keyword_weight 0.3 } }',
    'webhook w { path "/x", provider github secret "s"; agent a.b filter { json_path "$.a" equals "b" } }',
    'schedule s { cron "0 0 0 * * *" one_shot false } metadata { tags ["a"] n -3 }',
    'memory { } webhook w { path: "/x" secret: vault://a/b }',
    "channel c { platform: slack policy p { allow: x } data_classification { a: redact } }",
    'agent a { name: "x" version: "1" model = "m" tools: [a, "b"] memory: ephemeral memory { } executor: dsl }',
    "agent a { resources { memory: 1GB cpu: 2 network: true } security { tier: Tier2 } policies { timeout: 5s retry: 1 } }",
    'agent a { capabilities: [a, "b"] capabilities = [c], function f() {} with {} with sandbox = docker timeout: 5s {} }',
    'agent a { schedule s { cron: "0 0 0 * * *" } webhook { path: "/x" secret: "y" } channel c { platform: teams } }',
    "agent a { behavior b { steps { } } policy p { } fn g() {} }",
    "\ufeffagent a {}\r\n",
]


@pytest.mark.parametrize("text", ITEMS)
def test_items_that_are_taken(text: str) -> None:
    """Every item form of §4 parses without an error."""
    assert not [item for item in parse_definition(text).errors if item.code[:2] in ("E0", "E1", "E2")]


REFUSED_ITEMS = {
    "import x": "E203",
    "macro x { }": "E203",
    "enum E { A }": "E203",
    "foo": "E203",
    "}": "E203",
    "let x = 1": "E204",
    "f(x)": "E204",
    "agent a { let x = 1 }": "E204",
    "agent a { f(x) }": "E204",
    "agent a { polcy p { } }": "E203",
    "agent a { metadata { } }": "E203",
    "agent a-b { }": "E200",
    "agent { }": "E200",
    "agent a {": "E202",
    "agent a { with { if x { }": "E202",
    'metadata { version =\n author: "x" }': "E201",
    "metadata { version }": "E201",
    'memory m { store\n path: "x" }': "E201",
    'memory m { store\n path "x" }': "E201",
    'memory m { store, path: "x" }': "E201",
    "policy p { permit: x }": "E200",
    "policy p { allow x }": "E200",
    "behavior b { input { a: int } }": "E200",
    "function f { }": "E200",
    "function f(x: string, y) { }": "E200",
    "agent a { capabilities: read }": "E200",
    "agent a { with x { } }": "E200",
    "agent а { }": "E200",
    "агент x { }": "E100",
    "agent a { }\u00a0": "E100",
    "agent a\u200b { }": "E104",
    "// \u202e hidden\nagent a { }": "E104",
    'agent a { name: "\u2066x" }': "E104",
    "agent a { \x00 }": "E100",
    "type T = ": "E200",
}


@pytest.mark.parametrize(("text", "code"), REFUSED_ITEMS.items())
def test_items_that_are_refused(text: str, code: str) -> None:
    """What is no item is refused."""
    assert code in [item.code for item in parse_definition(text).errors]


def test_extension_words_stay_names() -> None:
    """Keywords are contextual: only true, false and null can not be names (§3)."""
    words = [
        "agent",
        "policy",
        "allow",
        "deny",
        "with",
        "schedule",
        "memory",
        "if",
        "for",
        "while",
        "match",
        "let",
        "in",
        "type",
        "name",
        "version",
        "input",
        "output",
    ]
    for word in words:
        assert parse_definition(f"function f({word}: int) {{ g({word}: 1); x.{word} }}").ok, word


def test_newline_rules_of_terms() -> None:
    """A statement ends at `;`, at `}` or where the next token begins a line (§4 TERM)."""
    text = "agent a { with {\n  let x = 1\n  y = 2; z = 3\n  f(x)\n} }"
    parsed = parse_definition(text)
    assert parsed.ok
    assert [item.code for item in parsed.diagnostics if item.code == "W309"] == ["W309"]
