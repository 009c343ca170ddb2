"""The formatter: canonical, idempotent, keeps comments, never changes what a text says (dsl.md §11)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi_dsl.formatter.format import format_text
from symbi_dsl.formatter.verify import shape
from symbi_dsl.limits import DEFAULT_LIMITS
from symbi_dsl.syntax.lexer import tokenize
from symbi_dsl.syntax.parser import parse_tree
from symbi_dsl.syntax.problems import Problems

UGLY = """# licence
metadata { version = "1" // v
author : "x"; tags=["a","b"] }
type T = { a: int, b: list<int> }
// about a
agent a ( ) -> string { name: "x"
  version: "1"
  capabilities: [ read,
    "c" ]
 policy p { allow: read(file)
 if user.role=="admin" deny: "x" /* why */ audit: all }
 fn f(x:int,y:string="a")->int{ let z=x+1
  foo (z)[0].bar()
  if z>1 { return z }
  else { z = - z; y }
  match z { 1 => "a", _ => { b
  } }
  // last
  z
 }
 with sandbox="docker", // trailing
   timeout = 5m { }
 with memory = session,
   timeout = 5m { reason("s", {a: 1}); try { a() }
   catch (e) { b() } }
}
schedule s { cron: "0 0 7 * * 1" agent: a }
// end"""

NEAT = """# licence
metadata {
    version = "1", // v
    author: "x",
    tags = ["a", "b"],
}

type T = { a: int, b: list<int> }

// about a
agent a -> string {
    name: "x"
    version: "1"
    capabilities: [read, "c"]

    policy p {
        allow: read(file)
            if user.role == "admin"
        deny: "x" /* why */
        audit: all
    }

    function f(x: int, y: string = "a") -> int {
        let z = x + 1;
        foo(z)[0].bar();
        if z > 1 { return z; } else {
            z = -z;
            y
        }
        match z {
            1 => "a",
            _ => {
                b
            }
        }
        // last
        z
    }

    with sandbox = "docker", // trailing
    timeout = 5m {
    }

    with memory = session, timeout = 5m {
        reason("s", { a: 1 });
        try { a() } catch (e) { b() }
    }
}

schedule s {
    cron: "0 0 7 * * 1"
    agent: a
}
// end
"""


def test_the_canonical_layout() -> None:
    """Indents, blank lines, one pair a line, headers on one line, `;` added, `fn` spelt out, comments where they were."""
    written, problems = format_text(UGLY)
    assert problems == ()
    assert written == NEAT
    assert format_text(NEAT) == (NEAT, ())


def test_long_lines_are_broken_inside_brackets() -> None:
    """Lines of more than 100 columns are broken at commas, and stay so."""
    call = "send(" + ", ".join(f'"argument number {n}"' for n in range(8)) + ")"
    written, _ = format_text(f"agent a {{ with {{ {call} }} }}")
    assert max(map(len, written.splitlines())) <= 100
    assert written.count('"argument number') == 8
    assert format_text(written)[0] == written


def test_a_broken_text_is_left_alone() -> None:
    """What does not parse is given back as it was, with the diagnostics."""
    text = "agent a { with { if x and y { } } }"
    written, problems = format_text(text)
    assert written == text
    assert [item.code for item in problems] == ["E205"]


def test_a_text_that_does_not_hold_is_formatted() -> None:
    """A wrong value is no reason to leave the layout alone."""
    assert format_text('agent a{with sandbox="x"{}}')[1] == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("// only\n", "// only\n"),
        ("\ufeffagent a{}\r\n", "agent a {\n}\n"),
        ("agent a{} agent b{}", "agent a {\n}\n\nagent b {\n}\n"),
        ("function f(){ 5 .x }", "function f() { 5 .x }\n"),
        ("function f(){\n a    // one\n b // two\n}", "function f() {\n    a;    // one\n    b // two\n}\n"),
        ("function f(){ return - 1 }", "function f() { return -1; }\n"),
        ("function f(){ a - -1; !x; not y; a<b }", "function f() {\n    a - -1;\n    !x;\n    not y;\n    a < b\n}\n"),
        ("function f(){ x = { } ; y=Foo{} }", "function f() {\n    x = {};\n    y = Foo {};\n}\n"),
        ("function f(){ a;\n(b)\n(c+d)*(e) }", "function f() {\n    a;\n    (b);\n    (c + d) * (e)\n}\n"),
        ("function f(){ f(x=>x+1,(a,b)=>a) }", "function f() { f(x => x + 1, (a, b) => a) }\n"),
        ('function f(){ x = """a\n   b""" }', 'function f() {\n    x = """a\n   b""";\n}\n'),
    ],
)
def test_small_texts(text: str, wanted: str) -> None:
    """Spacing of operators, calls, empty blocks; BOM and CRLF go; the inside of strings stays."""
    assert format_text(text) == (wanted, ())


WORDS = [
    "agent a { ", "agent b(x: int = 1, y: list<map<string, int>>) -> T { ", "} ", "}\n", "with { ", "with sandbox = docker, timeout = 5m { ",
    "let x = 1", ";", "\n", " ", "\t", "// note\n", "# hash\n", "/* block */", "/* two\nlines */ ", "x", "y.z", "f(", ")", "[", "]", "{", ", ",
    "1", "2.5", "-", "+", "&&", "==", "=> ", "= ", ": ", '"text"', '"a\\nb"', '"""raw\n  text"""', "if a { ", "} else { ", "else if b { ",
    "for i in xs { ", "while c { ", "match v { ", "1 => ", "_ => ", "Ok(e) => ", "try { ", "} catch (E e) { ", "return ", "break", "policy p { ",
    "allow: ", "deny: ", "audit: all with { a: 1 }", "require: { k: 1 }", "if user.ok", "capabilities: [a, \"b\"]", "metadata { a = 1 b: 2, ",
    "schedule s { cron: \"0 0 0 * * *\" ", "memory m { search { vector_weight: 1 } ", "function f(a: int) { ", "fn g() -> int { ", "30s", "512MB",
    "vault://a/b", "!x", "not y", "x in y", "Point { a: 1 }", "x => x + 1", "(a, b) => a", "struct S { a: int b: T }", "type T = list<T>;",
    "channel c { platform: slack policy q { allow: x } ", "behavior b { input { a: int } steps { ", "require capability net", "check p", "x.y[0] += 1",
]  # fmt: skip

TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
BODIES = st.lists(
    st.sampled_from(
        [
            "let x = 1",
            "x = f(1, [2, 3], a: { b: 1 })",
            "// c\n",
            "/* d */",
            "return x",
            "if a { b } else { c }",
            "if a { b }\nelse if c { d; e }",
            "for i in xs { f(i) }",
            "match v { 1 => a, _ => { b } }",
            "try { a } catch (E e) { b }",
            "\n",
            ";",
            "g(x => x.y, (a, b) => -a)",
            "a.b.c[0] -= 1",
            "while c { break }",
            "x",
            "\n\n\n",
            'let s = """a\n b"""',
            "{ a: 1, b: [1, 2] }",
            "require capability net",
            "y = not z && -q",
        ]
    ),
    max_size=12,
).map(lambda parts: "agent a {\nwith {\n" + "\n".join(parts) + "\n}\n}")


def _comments(text: str) -> list[str]:
    tokens = tokenize(text, problems=Problems(20), limits=DEFAULT_LIMITS)
    return sorted(text[start:end].rstrip() for start, end in tokens.comments)


def _check(text: str) -> None:
    written, problems = format_text(text)
    if problems:
        assert written == text
        assert all(item.code != "E900" for item in problems), text
        return
    assert format_text(written) == (written, ()), (text, written)
    assert _comments(written) == _comments(text)
    before, _ = parse_tree(text, problems=Problems(20), limits=DEFAULT_LIMITS)
    after, _ = parse_tree(written, problems=Problems(20), limits=DEFAULT_LIMITS)
    assert shape(before) == shape(after)
    assert not re.search(r"[ \t]+\n", re.sub(r'"""(?s:.*?)"""|/\*(?s:.*?)\*/', "x", written))


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_any_text(text: str) -> None:
    """Any text is formatted to what says the same, once and for all, or left alone; no comment is lost."""
    _check(text)


@settings(max_examples=100, deadline=None)
@given(BODIES)
def test_any_good_text(text: str) -> None:
    """The same for texts that mostly parse."""
    _check(text)
