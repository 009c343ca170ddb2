"""Splitting, cleaning, commands, sealing: what must hold for any text."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.channels import InboundMessage
from symbi.contracts.errors import ConfigError, StoreCorrupt
from symbi.contracts.secret import Secret
from symbi_channels.cleaning import clean_text
from symbi_channels.commands import read_command
from symbi_channels.routing import Routing
from symbi_channels.splitting import split_text
from symbi_channels.vault import Vault, open_vault, redacted, secret_fields, with_old_secrets

WORDS = st.text(alphabet=st.sampled_from("abc é🎉\n"), max_size=600)
FENCED = st.lists(st.one_of(WORDS, WORDS.map(lambda text: f"\n```python\n{text}\n```\n")), max_size=6).map("".join)


@settings(max_examples=100, deadline=None)
@given(FENCED, st.integers(min_value=60, max_value=300))
def test_parts_keep_the_limit_the_fences_and_every_word(text, most):
    parts = split_text(text, most=most)
    assert all(len(part) <= most for part in parts)
    if len(parts) > 1 and text.count("```") % 2 == 0:
        assert all(part.count("```") % 2 == 0 for part in parts)
    kept = "".join(character for part in parts for character in part if character in "abcé🎉")
    opened = "".join(part for part in parts).count("```python") - text.count("```python")
    assert kept.count("a") == text.count("a")
    assert kept.count("🎉") == text.count("🎉")
    assert opened >= 0


@settings(max_examples=100, deadline=None)
@given(WORDS)
def test_parts_keep_the_limit_in_bytes(text):
    assert all(
        len(part.encode()) <= 100 for part in split_text(text, most=100, measure=lambda each: len(each.encode()))
    )


def test_a_short_text_is_one_part_as_it_is():
    assert split_text("hello\n", most=100) == ["hello\n"]


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text):
    once = clean_text(text)
    assert clean_text(once) == once
    once.encode()


@pytest.mark.parametrize(("dirty", "clean"), [
    ("a\u200bb\u2060c\ufeffd", "abcd"),
    ("\U000e0049\U000e0067nore", "nore"),
    ("\u202eabc\u2066", "abc"),
    ("👨‍👩‍👧 ❤️ 🏳️‍🌈", "👨‍👩‍👧 ❤️ 🏳️‍🌈"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("a\u00a0b\u3000c", "a b c"),
    ("a\r\nb\rc\x00\x1b[31m", "a\nb\nc[31m"),
    ("x\ud800y", "xy"),
    ("\u200d\u200d", ""),
])  # fmt: skip
def test_what_is_invisible_goes_and_what_is_written_stays(dirty, clean):
    assert clean_text(dirty) == clean


@pytest.mark.parametrize(("text", "verb", "target"), [
    ("", "help", ""), ("help", "help", ""), ("pending", "pending", ""), ("pending questions?", "ask", "helper"),
    ("approve 0123456789abcdef", "approve", "0123456789abcdef"), ("deny 0123456789abcdef no", "deny", "0123456789abcdef"),
    ("approve of this plan", "ask", "helper"), ("run deployer x", "ask", "deployer"), ("run away", "ask", "helper"), ("hello", "ask", "helper"),
])  # fmt: skip
def test_commands(text, verb, target):
    message = InboundMessage(event_id="e", conversation="c", sender_id="u", text=text)
    found = read_command(message, Routing(agent="helper", agents=("deployer",)))
    assert (found.verb, found.target) == (verb, target)


@pytest.mark.parametrize("action", ["approval:", "approval:approve", "approval:explode:0123", "x", "approval::1"])
def test_an_odd_button_decides_nothing(action):
    message = InboundMessage(event_id="e", conversation="c", sender_id="u", kind="action", action=action)
    assert read_command(message, Routing()).verb == "help"


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str = ""
    token: Secret | None = None
    more: tuple[Secret, ...] = ()


def test_sealed_secrets_come_back_and_do_not_show(tmp_path):
    secrets = secret_fields(Kept)
    assert secrets == {"token", "more"}
    vault = open_vault(tmp_path / "channels", None)
    stored = vault.seal({"url": "u", "token": "s3cret", "more": ["a", "b"]}, secrets)
    assert "s3cret" not in repr(stored)
    assert open_vault(tmp_path / "channels", None).unseal(stored) == {"url": "u", "token": "s3cret", "more": ["a", "b"]}
    assert redacted(stored, secrets) == {"url": "u", "token": "***", "more": "***"}
    assert with_old_secrets({"url": "v", "token": "***"}, {"token": "s3cret", "more": ["a"]}, secrets) == {
        "url": "v",
        "token": "s3cret",
        "more": ["a"],
    }
    assert with_old_secrets({"token": "new"}, {"token": "old"}, secrets) == {"token": "new"}


def test_another_key_opens_nothing_and_a_wrong_or_readable_one_is_refused(tmp_path):
    stored = open_vault(tmp_path / "a", None).seal({"token": "x"}, frozenset({"token"}))
    with pytest.raises(StoreCorrupt, match="token"):
        open_vault(tmp_path / "b", None).unseal(stored)
    with pytest.raises(ConfigError, match="encryption_key"):
        Vault("short")
    (tmp_path / "a" / "secret.key").chmod(0o644)
    with pytest.raises(ConfigError, match="read by others"):
        open_vault(tmp_path / "a", None)
