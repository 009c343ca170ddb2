"""Bad input (dsl.md §15): a diagnostic or success, soon, within bounds, never a traceback."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.definitions import Program
from symbi.contracts.languages import ProgramFailed, ProgramLimits
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.formatter.format import format_text
from symbi_dsl.interpreter.program import interpret
from symbi_dsl.syntax.strings import quote

SIZE = 1 << 19  # half of what is allowed keeps the suite quick
W = "agent a { with { "


def fill(unit: str, before: str = "", after: str = "", size: int = SIZE) -> str:
    """Return `before`, as many units as fit, and `after`."""
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


HOSTILE = {
    "parentheses": (fill("(", W + "x = "), "E002"),
    "brackets": (fill("[", W), "E002"),
    "braces": (fill("{", W), "E200"),
    "ifs": (fill("if x { ", W), "E002"),
    "lambdas": (fill("a=>", W), "E002"),
    "generics": (fill("list<", "type A = "), "E002"),
    "patterns": (fill("A(", W + "match x { "), "E002"),
    "members": (fill(".b", W + "a", " } }"), "E003"),
    "sums": (fill("+1", W + "x = 1", " } }"), "E003"),
    "calls": (fill("()", W + "f", " } }"), "E003"),
    "prefixes": (fill("!", W + "x = ", "y } }"), "E003"),
    "elses": (fill(" else if x {}", W + "if x {}", " } }"), None),
    "quotes": ('"' * (SIZE - 1), "E101"),
    "comment": (fill("x", "/*"), "E102"),
    "nul": ("\0" * SIZE, "E100"),
    "surrogates": ("\ud800" * (SIZE // 3), "E100"),
    "marks": ("\ufeff" * (SIZE // 3), "E104"),
    "bidi": ("\u202e" * (SIZE // 3), "E104"),
    "homoglyphs": ("аgent x {}" * 50_000, "E100"),
    "digits": (fill("1", "metadata { a = ", "}"), "E105"),
    "long string": ('metadata { a = "' + "x" * 300_000 + '" }', "E006"),
    "one line": (fill("agent a{}"), "E005"),
    "entries": (fill("1,", W + "x = [", "]}}"), "E005"),
    "properties": (fill("a=1,", "schedule s {", "}"), "E005"),
    "errors": (fill("agent a { x }\n"), "E203"),
    "closers": (fill("}\n"), "E203"),
    "operators": (fill("&&"), "E203"),
    "backslashes": (fill("\\"), "E100"),
    "spaces": (fill(" "), None),
    "newlines": (fill("\n"), None),
    "hashes": (fill("#"), None),
    "too large": ("x" * (2 * SIZE + 1), "E001"),
    "broken tail": (fill("agent a { x y }\n", "", '"'), "E203"),
    "unknown keys": (
        "".join(f"memory m{n} {{ {' '.join(f'k{n}x{k}: 1' for k in range(40))} }}\n" for n in range(900)),
        None,
    ),
    "aliases": ("".join(f"type T{n} = T{n + 1};" for n in range(4_900)), None),
    "alias cycle": ("".join(f"type T{n} = T{(n + 1) % 4_900};" for n in range(4_900)), "E405"),
    "zones": (
        "".join(f'schedule s{n} {{ at: "2030-01-01" timezone: "Z{n}" agent: x{n} }}' for n in range(4_000)),
        "E407",
    ),
    "escapes": ('metadata { a = "' + "\\q" * 120_000 + '" }', None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mebibyte_of_anything(name: str) -> None:
    """Each text ends within 2 s of work, in the parser and the formatter, with the diagnostic that it earns."""
    text, code = HOSTILE[name]
    started = time.process_time()
    parsed = parse_definition(text)
    took = time.process_time() - started
    assert took < 2.0, took
    started = time.process_time()
    format_text(text)
    assert time.process_time() - started < 2.0
    found = [item.code for item in parsed.errors]
    assert (code in found) if code else not found
    assert len(parsed.diagnostics) <= 221


def test_memory_is_bounded() -> None:
    """A mebibyte of tokens takes no more than some hundred megabytes."""
    tracemalloc.start()
    try:
        parse_definition(fill("f(a, b); ", W, "} }", size=SIZE // 4))
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("count", "good"), [(90, True), (99, False), (300, False)])
def test_nesting_up_to_the_bound(count: int, good: bool) -> None:
    """Nesting of 90 below two blocks parses, and a hundred does not."""
    text = W + "x = " + "(" * count + "1" + ")" * count + " } }"
    assert parse_definition(text).ok is good


def test_chains_up_to_the_bound() -> None:
    """A chain of 200 operations parses; one of 300 is E003."""
    assert parse_definition(W + "x = 1" + " + 1" * 200 + " } }").ok
    assert [item.code for item in parse_definition(W + "x = 1" + " + 1" * 300 + " } }").errors] == ["E003"]


NASTY = st.text(
    st.sampled_from(list("{}[]()<>=:;,.\"\\/#*+-!&|?%$@'`\n\r\t aefinstwx019_\0\u200b\u202eé\ud800")), max_size=80
)
KEYWORDS = st.lists(
    st.sampled_from(
        [
            "agent",
            "a",
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            "policy",
            "allow",
            ":",
            "deny",
            "require",
            "audit",
            "with",
            "if",
            "let",
            "=",
            "1",
            '"x"',
            "for",
            "in",
            "while",
            "match",
            "=>",
            "try",
            "catch",
            "metadata",
            "schedule",
            "memory",
            "channel",
            "webhook",
            "type",
            "struct",
            "function",
            "behavior",
            "steps",
            "input",
            "5s",
            "1MB",
            "vault://a",
            ",",
            ";",
            ".",
            "->",
            "<",
            ">",
            "+",
            "-",
            "not",
            "!",
            "return",
            "capabilities",
            "cron",
        ]
    ),
    max_size=40,
).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(NASTY | KEYWORDS | st.text(max_size=60))
def test_any_text_gives_diagnostics_or_facts(text: str) -> None:
    """The parser, the validator, the formatter and the brief never raise."""
    from symbi_dsl.brief import without_comments

    parsed = parse_definition(text)
    for item in parsed.diagnostics:
        assert item.line >= 1
        assert item.column >= 1
        assert (item.end_line, item.end_column) >= (item.line, item.column)
    format_text(text)
    without_comments(text)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """Bytes that are no text give a diagnostic."""
    parse_definition(data)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_quoted_text_comes_back(text: str) -> None:
    """A string that is written by `quote` means the same text, unless it holds what no text may hold."""
    bare = text.replace("\0", "")
    visible = "".join(char for char in bare if not 0xE0000 <= ord(char) <= 0xE007F)
    parsed = parse_definition(f"metadata {{ a = {quote(visible)} }}")
    assert parsed.metadata.get("a") == visible


PIECES = [
    "x = 1", "x += 1", "y = x + 1", "x = [x]", "x.push(x)", "x = { a: x }", "z = x.map(a => a)", "f(x)", "return x", "x = x[0]", "x.a = y",
    "for i in x { y = i }", "while x { x = null }", "match x { 1 => 2, Ok(v) => v }", "try { nope } catch (e) { x = e }", "print(x)", "x = x == y",
    "x = -x", "x = x.length", "x = format(\"{}\", x)", "x = to_json(x)", "x = x && y", "g()", "tool(x)", "x = (a => a(a))", "x(x)", "sleep(x)",
]  # fmt: skip


class Quiet:
    """Effects that answer null."""

    def call(self, kind: str, name: str, arguments: dict[str, Any], **_: Any) -> Any:
        return None

    def log(self, message: str, **_: Any) -> None:
        return None

    def step(self, line: int) -> None:
        return None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=15))
def test_any_program_ends(pieces: list[str]) -> None:
    """Whatever a program does, it ends with a value or with `ProgramFailed`, within its bounds."""
    functions = "function f(a: any) { if a { f([a]) } else { g() } }\nfunction g() { tool(1) }"
    source = f"agent a {{\n{functions}\nwith {{\n" + ";\n".join(pieces) + "\n} }"
    program = Program(language="symbi", source=source, agent="a", entry="with")
    limits = ProgramLimits(max_steps=5_000, max_cells=2_000_000)
    try:
        interpret(program, arguments={}, effects=Quiet(), limits=limits)
    except ProgramFailed as failed:
        if not (failed.kind and failed.message and failed.error_code):
            raise AssertionError("a failure without words") from failed
