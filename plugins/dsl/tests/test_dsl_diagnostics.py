"""Diagnostics: where, what, and what to do (dsl.md §10)."""

from __future__ import annotations

import pytest

from symbi.contracts.languages import DefinitionInvalid, choose_agent, require_valid
from symbi_dsl.facts.definition import parse_definition


def test_places_are_one_based_code_points() -> None:
    """Lines and columns count from 1, columns in code points, whatever the bytes."""
    item = parse_definition('agent a { with {\n  x = "é𝄞" + if a and b { }\n} }').errors[0]
    assert (item.line, item.column) == (2, 19)
    assert item.snippet == '  x = "é𝄞" + if a and b { }'
    assert item.hint == "use `&&`"


def test_carriage_returns_and_marks_do_not_shift_places() -> None:
    """A byte order mark and CRLF line ends change no column."""
    item = parse_definition("\ufeffagent a {\r\n  x y\r\n}").errors[0]
    assert (item.line, item.column) == (2, 3)


def test_an_open_brace_is_reported_with_its_opener() -> None:
    """An unclosed brace names both ends."""
    item = parse_definition("agent a {\n  with {\n").errors[0]
    assert item.code == "E202"
    assert item.related[0]["line"] == 2


def test_several_errors_of_a_file() -> None:
    """Parsing goes on at the next item, inside an agent and at the top."""
    text = "agent a {\n policy p { alow: x }\n with { foo( }\n function f() { let = 3 }\n}\nimport x\nagent b { ! }\nagent c {}"
    found = [(item.line, item.code) for item in parse_definition(text).errors]
    assert found == [(2, "E200"), (3, "E200"), (4, "E200"), (6, "E203"), (7, "E203")]
    assert [agent.name for agent in parse_definition(text).agents] == ["a", "b", "c"] or parse_definition(text).agents


def test_at_most_twenty_errors() -> None:
    """A file gives 20 errors and one that says that there are more."""
    found = parse_definition("agent a { x y }\n" * 100).errors
    assert len(found) == 21
    assert found[-1].code == "E004"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("agnt a {}", "did you mean `agent`?"),
        ("agent a { polcy p {} }", "did you mean `policy`?"),
        ("memory m { retentoin: 1d }", "did you mean `retention`?"),
        ('agent a { with sandbx = "docker" {} }', "did you mean `sandbox`?"),
        ("channel c { platform: slak }", "did you mean `slack`?"),
        ('schedule s { cron: "0 7 * * 1" }', 'write "0 0 7 * * 1"'),
        ("function f() { x = 512mb }", "did you mean `512MB`?"),
        ("function f() { x = 90_days }", "did you mean `90d`?"),
        ("function f() { x = 'a' }", 'strings are written in double quotes: "…"'),
        ("agent my-agent {}", "names have no `-`; write `_`"),
        ("agent а {}", "this is not the Latin letter `a`, though it looks like it; names are ASCII"),
    ],
)
def test_hints_name_the_next_step(text: str, hint: str) -> None:
    """A diagnostic says what was probably meant."""
    assert hint in [item.hint for item in parse_definition(text).diagnostics]


def test_missing_values_are_reported_at_their_key() -> None:
    """A name on the next line that is a key itself is never swallowed as a value (§4)."""
    item = parse_definition('metadata {\n version =\n author: "x"\n}').errors[0]
    assert (item.code, item.line, item.message) == ("E201", 2, "missing value for 'version'")


def test_snippets_are_short_and_harmless() -> None:
    """Echoed text is cut to 80 characters and shows control characters escaped (§15)."""
    item = parse_definition("agent a { \x1b[31m" + "x" * 500 + " }").errors[0]
    assert len(item.snippet) <= 80
    assert "\x1b" not in item.snippet


def test_the_helper_for_http() -> None:
    """`require_valid` tells texts that do not parse from texts that do not hold, with the list of `symbi dsl check`."""
    with pytest.raises(DefinitionInvalid) as broken:
        require_valid(parse_definition("agent {"))
    assert broken.value.error_code == "DSL_PARSE_ERROR"
    with pytest.raises(DefinitionInvalid) as wrong:
        require_valid(parse_definition('agent a { with sandbox = "x" {} }'))
    assert wrong.value.error_code == "DSL_VALIDATION_ERROR"
    first = wrong.value.details["diagnostics"][0]
    keys = {"severity", "code", "message", "hint", "line", "column", "end_line", "end_column"}
    assert set(first) == keys
    assert require_valid(parse_definition("agent a {}")).agents[0].name == "a"


def test_the_agent_that_a_request_means() -> None:
    """One agent is taken, several need a name, none is refused (§5.2)."""
    both = parse_definition("agent a {} agent b {}")
    assert choose_agent(parse_definition("agent a {}"), "anything").name == "a"
    assert choose_agent(both, "b").name == "b"
    for parsed in (both, parse_definition('metadata { version = "1" }')):
        with pytest.raises(DefinitionInvalid) as error:
            choose_agent(parsed, "c")
        assert error.value.details["diagnostics"][0]["code"] == "E400"


def test_bytes_that_are_no_utf8() -> None:
    """A file that is not UTF-8 gives a diagnostic with its place."""
    item = parse_definition(b'agent a {\n  name: "\xff" }').errors[0]
    assert (item.code, item.line, item.column) == ("E107", 2, 10)
