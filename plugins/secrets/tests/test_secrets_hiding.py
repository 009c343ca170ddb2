"""Masking of known values: no form that we claim to know gets through (SEC-4)."""

from __future__ import annotations

import base64
import json
import urllib.parse
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.hiding import Veil, hiding
from symbi.contracts.masking import mask, mask_text
from symbi.contracts.secret import Secret
from symbi.contracts.secrets import handles_as_text, names_of_handles, with_values

VALUES = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs", "Z"]), min_size=12, max_size=40
)
AROUND = st.text(max_size=20)


@settings(max_examples=100, deadline=None)
@given(VALUES, AROUND, AROUND)
def test_no_form_of_a_value_gets_through(value: str, before: str, after: str) -> None:
    veil = Veil()
    veil.add(Secret(value))
    raw = value.encode()
    forms = [
        value,
        json.dumps(value)[1:-1],
        urllib.parse.quote(value, safe=""),
        raw.hex(),
        base64.b64encode(raw).decode(),
        repr(value)[1:-1],
    ]
    for form in forms:
        assert form not in veil.text(before + form + after) or form in "***"
    hidden = veil.over({"a": [before + value + after, {value: 1}], "b": json.dumps({"c": value})})
    assert value not in json.dumps(hidden, ensure_ascii=False)


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "user"])
def test_basic_authentication_is_hidden(user: str) -> None:
    veil = Veil()
    veil.add(Secret("correct-horse-battery"))
    header = base64.b64encode(f"{user}:correct-horse-battery".encode()).decode()
    assert len(veil.text(header).replace("***", "")) <= len(user) + 8


def test_numbers_and_lines_are_hidden() -> None:
    veil = Veil()
    veil.add(Secret("4929123456781234"))
    veil.add(Secret("first line of it\nsecond line of it\n"))
    assert veil.over({"card": 4929123456781234, "n": 5, "t": True}) == {"card": "***", "n": 5, "t": True}
    assert veil.text("> second line of it") == "> ***"
    with pytest.raises(ValueError, match="4 characters"):
        veil.add(Secret("ab"))


def test_what_is_hidden_is_hidden_in_logs_and_audit_of_the_task_alone() -> None:
    veil = Veil()
    veil.add(Secret("plain words"))
    with hiding(veil):
        assert mask_text("he said plain words") == "he said ***"
        assert mask({"x": ["plain words"]}) == {"x": ["***"]}
    assert mask_text("he said plain words") == "he said plain words"


def test_the_name_of_a_secret_is_no_secret() -> None:
    assert mask({"$secret": "vault://github/token"}) == {"$secret": "vault://github/token"}
    assert mask_text("secret_read::github/token") == "secret_read::github/token"
    assert mask_text("secret=hunter22") == "secret=***"


def test_handles_are_found_shown_as_text_and_replaced() -> None:
    arguments = {"a": {"$secret": "vault://one"}, "b": [{"c": {"$secret": "secret://two/x"}}], "d": "vault://three"}
    assert names_of_handles(arguments) == ("one", "two/x")
    assert handles_as_text(arguments) == {"a": "vault://one", "b": [{"c": "vault://two/x"}], "d": "vault://three"}
    values = {"one": Secret("1111"), "two/x": Secret("2222")}
    assert with_values(arguments, values) == {"a": "1111", "b": [{"c": "2222"}], "d": "vault://three"}


@pytest.mark.parametrize(
    "handle",
    [
        {"$secret": 5},
        {"$secret": "one"},
        {"$secret": "vault://"},
        {"$secret": "vault://one", "x": 1},
        {"$secret": "vault://a b"},
    ],
)
def test_a_handle_that_is_none_is_refused(handle: Any) -> None:
    with pytest.raises(InvalidRequest):
        names_of_handles({"a": handle})
