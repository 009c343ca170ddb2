"""Reading directories, reload, rollback, watch (POL-20, POL-21, POL-22)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from symbi.contracts.errors import NotFound
from symbi.contracts.policy import PolicyReloaded
from symbi.contracts.policy_sets import PolicyInvalid, PolicySource
from symbi.testing.policy import Rule, request_for
from symbi_policy.hidden_text import INVISIBLE, hidden_characters
from symbi_policy.loader import read_directory

CLOCK = Rule(id="clock", effect="permit", tool="clock")
READ = Rule(id="read", effect="permit", tool="read_file")


def codes(directory: Path, **options: Any) -> list[tuple[str, str]]:
    return [(each.severity, each.code) for each in read_directory(directory, **options).findings]


def test_pol_20_layers_are_folders_named_by_a_surface(tmp_path: Path) -> None:
    for name in (
        "b.cedar",
        "a.cedar",
        "http-input/x.cedar",
        "run/y.cedar",
        "notes.md",
        ".hidden.cedar",
        "tests/t.yaml",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("// nothing\n")
    read = read_directory(tmp_path)
    assert [(each.layer, each.path) for each in read.bundle.sources] == [
        ("", "a.cedar"), ("", "b.cedar"), ("http-input", "http-input/x.cedar"), ("run", "run/y.cedar"),
    ]  # fmt: skip
    assert read.findings == ()


def test_pol_20_a_folder_that_names_no_surface_is_said(tmp_path: Path) -> None:
    (tmp_path / "htpp-input").mkdir()
    (tmp_path / "htpp-input" / "x.cedar").write_text("")
    assert codes(tmp_path) == [("warning", "unknown-surface")]
    assert codes(tmp_path, strict=True) == [("error", "unknown-surface")]
    assert codes(tmp_path, surfaces=("htpp-input",)) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_pol_21_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text("")
    (tmp_path / "a.cedar").chmod(0)
    assert codes(tmp_path) == [("error", "unreadable")]


def test_pol_21_a_dangling_link_and_bad_bytes_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").symlink_to(tmp_path / "gone")
    (tmp_path / "b.cedar").write_bytes(b"\xff\xfe")
    assert codes(tmp_path) == [("error", "unreadable"), ("error", "not-utf8")]


def test_pol_22_entries_are_read_and_inactive_ones_skipped(tmp_path: Path) -> None:
    entries = [{"name": "one", "source": "x"}, {"name": "two", "source": "y", "active": False}]
    (tmp_path / "a.cedar").write_bytes(msgspec.json.encode(entries))
    assert [(each.name, each.text, each.path) for each in read_directory(tmp_path).bundle.sources] == [
        ("one", "x", "a.cedar#one")
    ]
    (tmp_path / "a.cedar").write_text('[{"nom": 1}]')
    assert codes(tmp_path) == [("error", "bad-entries")]
    (tmp_path / "a.cedar").unlink()
    (tmp_path / "b.json").write_text("{}")
    assert codes(tmp_path) == [("error", "bad-entries")]


@pytest.mark.parametrize(
    "char", ["\u200b", "\u202e", "\ufeff", "\x07", "\U000e0041", "\u00ad", "\u0301", "\ufe0f", "\x7f"]
)
def test_pol_32_invisible_characters_are_found_where_they_are(char: str) -> None:
    found = list(hidden_characters(PolicySource(name="p", text=f"// one\nper{char}mit", path="p.cedar")))
    assert [(each.code, each.line, each.column) for each in found] == [("hidden-character", 2, 4)]
    assert INVISIBLE.search("tab\tand\r\nline ends are fine, so is é") is None


def test_the_revision_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text("one")
    first = read_directory(tmp_path).bundle.revision
    os.utime(tmp_path / "a.cedar", (1, 1))
    assert read_directory(tmp_path).bundle.revision == first
    (tmp_path / "a.cedar").write_text("two")
    assert read_directory(tmp_path).bundle.revision != first


async def test_pol_21_a_bad_file_leaves_the_old_set_in_force(house: Any) -> None:
    heard: list[PolicyReloaded] = []
    async with house(CLOCK) as h:

        async def listen(event: PolicyReloaded) -> None:
            heard.append(event)

        h.kernel.events.subscribe(PolicyReloaded, listen)
        before = h.gate.revision
        (h.directory / "bad.json").write_text('[{"name": "x", "source": "nonsense"}]')
        with pytest.raises(PolicyInvalid) as caught:
            await h.gate.reload()
        assert caught.value.details["findings"][0]["path"] == "bad.json#x"
        assert h.gate.revision == before
        assert (await h.gate.decide(request_for("clock"))).allowed
        assert (await h.gate.health()).state == "degraded"
        (h.directory / "bad.json").unlink()
        await h.gate.reload()
        assert (await h.gate.health()).state == "healthy"
    assert [event.ok for event in heard] == [False]


async def test_pol_21_rollback_returns_to_an_earlier_set(house: Any) -> None:
    async with house(CLOCK) as h:
        first = h.gate.revision
        h.write(READ)
        await h.gate.reload()
        assert not (await h.gate.decide(request_for("clock"))).allowed
        back = await h.gate.rollback(None, author="ann")
        assert back.revision == first == h.gate.revision
        assert (await h.gate.decide(request_for("clock"))).allowed
        assert [each.author for each in h.gate.sets.history()] == ["ann", "operator", "start"]
        with pytest.raises(NotFound):
            await h.gate.rollback("ffffffff", author="ann")


async def test_listeners_hear_of_changes_only(house: Any) -> None:
    async with house(CLOCK) as h:
        heard: list[str] = []
        undo = h.gate.on_reload(heard.append)
        await h.gate.reload()
        h.write(READ)
        await h.gate.reload()
        undo()
        h.write(CLOCK)
        await h.gate.reload()
        assert len(heard) == 1


async def test_a_plugin_surface_is_read_once_it_is_known(house: Any) -> None:
    async with house(CLOCK) as h:
        h.write(READ, layer="telegram")
        await h.gate.reload()
        assert not (await h.gate.decide(request_for("read_file", surface="telegram"))).allowed
        h.gate.register_surface("telegram")
        await h.gate.reload()
        assert (await h.gate.decide(request_for("read_file", surface="telegram"))).allowed
        assert not (await h.gate.decide(request_for("read_file", surface="run"))).allowed


async def test_watch_mode_reloads_after_a_change(house: Any) -> None:
    async with house(CLOCK, policy={"watch": True, "debounce_ms": 50}) as h:
        await asyncio.sleep(0.3)
        h.write(CLOCK, READ)
        async with asyncio.timeout(10):
            while not (await h.gate.decide(request_for("read_file"))).allowed:
                await asyncio.sleep(0.05)
        assert h.gate.sets.current.author == "watch"


async def test_pol_8_a_reload_reads_each_text_once(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from symbi.testing.policy import ReferenceEngine

    calls: list[str] = []
    for name in ("check", "reload"):
        plain = getattr(ReferenceEngine, name)
        monkeypatch.setattr(
            ReferenceEngine, name, lambda self, bundle, n=name, f=plain: (calls.append(n), f(self, bundle))[1]
        )
    async with house(CLOCK) as h:
        await h.gate.reload()
    assert calls == ["reload", "reload"]
