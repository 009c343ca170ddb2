"""SEC-4: what looks like a secret does not leave in a log, an audit record or an answer."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.masking import MASK, is_sensitive, mask, mask_text
from symbi.contracts.secret import Secret

SECRETS = [
    "sk-or-v1-0123456789abcdef0123456789",
    "sk-ant-api03-AbCdEfGhIjKlMnOp",
    "xoxb-123456789012-abcdefghijkl",
    "ghp_0123456789abcdefghijABCDEFGHIJ",
    "github_pat_0123456789abcdefghij_ABCDEFG",
    "glpat-0123456789abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA0123456789abcdefghijklmnopqrstu",
    "sk_live_0123456789abcdef",
    "hf_0123456789abcdefghijABCD",
    "sk_0a1b2c3d4e5f.0123456789abcdefghijABCD_-xyz",
    "hvs.0123456789abcdefghijABCD",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "see {} there", "key={}", '{{"text": "{}"}}', "({})", "\n{}\n"])
def test_known_forms_are_masked_wherever_they_stand(secret: str, around: str) -> None:
    masked = mask_text(around.format(secret))
    assert secret not in masked
    assert secret[12:] not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdef1234567890", "Authorization: *** ***"),
        ("postgres://ann:hunter22@db/symbi", "postgres://ann:***@db/symbi"),
        ("api_key=abcd1234", "api_key=***"),
        ("password: 'correct horse battery'", "password: ***"),
        ('{"client_secret": "x y z w"}', '{"client_secret": ***}'),
        ("OPENROUTER_API_KEY=something-short", "OPENROUTER_API_KEY=***"),
    ],
)
def test_assignments_and_addresses_keep_their_shape(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "the token is short",
        "secret://name",
        "token=secret://name",
        "max_tokens: 4096",
        "https://example.com/a?b=c",
        "a-b_c: d",
        "12:30:45",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "API-Key",
        "X-Auth-Token",
        "clientSecret",
        "password",
        "Set-Cookie",
        "authorization",
        "passphrase",
        "auth",
    ],
)
def test_sensitive_names(name: str) -> None:
    assert is_sensitive(name)
    assert mask({name: "anything"}) == {name: MASK}
    assert mask({name: ["any", {"x": "thing"}]}) == {name: MASK}
    assert mask({name: "secret://vault/x"}) == {name: "secret://vault/x"}


@pytest.mark.parametrize("name", ["author", "keyboard", "path", "tool", "name", "author_id"])
def test_harmless_names(name: str) -> None:
    assert mask({name: "anything"}) == {name: "anything"}


def test_numbers_stay_under_any_name() -> None:
    assert mask({"prompt_tokens": 12, "token": None, "secret": True}) == {
        "prompt_tokens": 12,
        "token": None,
        "secret": True,
    }


def test_other_values_become_json() -> None:
    class Thing(msgspec.Struct):
        name: str
        api_key: str

    value = {
        "s": Secret("abc"),
        "b": b"12345",
        "t": Thing(name="x", api_key="y"),
        "set": {2, 1},
        "o": object(),
        3: (1, 2),
    }
    assert mask(value) == {
        "s": MASK,
        "b": "<5 bytes>",
        "t": {"name": "x", "api_key": MASK},
        "set": [1, 2],
        "o": "<object>",
        "3": [1, 2],
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(
    value=json_values,
    secret=st.sampled_from(SECRETS),
    before=st.text(" .,;/\n\"'({[<", max_size=5),
    name=st.text(max_size=8),
)
def test_no_structure_hides_a_secret(value: Any, secret: str, before: str, name: str) -> None:
    hidden = {"outer": [value, {name: [f"{before}{secret} after"]}]}
    assert secret not in repr(mask(hidden))
    assert secret[12:] not in repr(mask(hidden))


@settings(max_examples=100, deadline=None)
@given(value=json_values)
def test_masking_twice_changes_nothing_more(value: Any) -> None:
    once = mask(value)
    assert mask(once) == once


@pytest.mark.parametrize(
    "evil",
    ["a-" * 200_000, "token" * 80_000, "a_" * 200_000, "://a:" * 80_000, "-----BEGIN PRIVATE KEY" * 20_000, "password = " * 40_000, "bearer " * 50_000,
     "eyJ" * 100_000, 'token="' * 50_000, " " * 400_000 + "=", "token" + " " * 400_000, "api_key_" * 50_000],
)  # fmt: skip
def test_no_text_makes_masking_slow(evil: str) -> None:
    started = time.process_time()
    mask_text(evil)
    assert time.process_time() - started < 2.0
