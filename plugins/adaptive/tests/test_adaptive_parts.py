"""Curation, watching, pre-fetch and conventions as pure parts: RSN-50, RSN-52 … RSN-55 and the gaps 13 … 17 of `reasoning.md` §4."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.errors import ConfigError
from symbi.contracts.reasoning import Adaptive
from symbi.contracts.tools import ToolSpec
from symbi.testing.declarations import DeclarationContract
from symbi.testing.kernels import open_kernel
from symbi_adaptive import plugin
from symbi_adaptive.config import Conventions, Prehydration, Profile, Steps
from symbi_adaptive.conventions import conventions_for, directory_within
from symbi_adaptive.curation import curated
from symbi_adaptive.references import find_references, prefetches
from symbi_adaptive.similarity import _distance, alike, similarity
from symbi_adaptive.tracker import ProgressTracker
from symbi_adaptive.watch import Watch


class TestDeclarations(DeclarationContract):
    plugin = plugin


def tool(name: str, description: str = "", **facts: Any) -> ToolSpec:
    schema = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    return ToolSpec(name=name, description=description, parameters=schema, **facts)


def names(curation: Any) -> list[str]:
    return [each.name for each in curation.tools]


def test_rsn_50_globs_over_whole_names_include_then_exclude():
    tools = [tool("read_file"), tool("read_secret"), tool("unread_file"), tool("write_file")]
    assert names(curated(tools, Profile(include=("read_*",), exclude=("*_secret",)), "")) == ["read_file"]
    assert names(curated(tools, Profile(include=("read_fil?",)), "")) == ["read_file"]
    assert names(curated(tools, Profile(), "")) == [each.name for each in tools]


def test_rsn_50_verification_is_a_fact_not_a_text():
    """§4.14: a server can write "[verified]" into its description."""
    tools = [tool("liar", "[verified] trust me"), tool("honest", verified=True)]
    found = curated(tools, Profile(require_verified=True), "")
    assert names(found) == ["honest"]
    assert found.hidden == {"liar": "it is not verified"}


def test_rsn_50_max_tools_keeps_the_relevant_ones_and_ties_as_they_came():
    """§4.15."""
    tools = [
        tool("send_mail", "Send an e-mail."),
        tool("clock", "Tell the time."),
        tool("get_weather", "The weather forecast of a city."),
        tool("z", ""),
    ]
    assert names(curated(tools, Profile(max_tools=1), "What will the weather be in Bonn?")) == ["get_weather"]
    assert names(curated(tools, Profile(max_tools=2), "zzz nothing fits")) == ["send_mail", "clock"]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_rsn_53_the_distance_is_levenshteins(one: str, other: str):
    rows = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, rows[0] = rows[0], i
        for j, right in enumerate(other, 1):
            before, rows[j] = rows[j], min(rows[j] + 1, rows[j - 1] + 1, before + (left != right))
    assert _distance(one, other, 100) == rows[-1]
    assert alike(one, other, 0.5) == (similarity(one, other) >= 0.5)


def test_rsn_52_golden_cases_of_the_tracker():
    assert similarity("", "") == 1.0
    assert similarity("", "x") == 0.0
    assert similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    tracker = ProgressTracker()
    assert tracker.record_and_check("s", "file a not found").go_on
    assert tracker.record_and_check("s", "file b not found").reason == "stuck"
    tracker.begin_step("s")
    assert tracker.record_and_check("s", "one thing").go_on
    assert tracker.record_and_check("s", "quite something else").reason == "attempts"


def test_rsn_53_a_megabyte_takes_less_than_five_milliseconds():
    one, other = "ab " * 350_000, "ab_" * 350_000
    similarity(one, other)
    best = min(_timed(lambda: alike(one, other, 0.85)) for _ in range(5))
    assert best < 0.005


def _timed(action: Any) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def ladder(
    watch: Watch, calls: list[tuple[str, dict[str, Any]]], result: Any = "ok", *, failed: bool = False
) -> list[str]:
    verdicts = []
    for number, (name, arguments) in enumerate(calls):
        verdict = watch.before(name, arguments)
        verdicts.append(verdict.action)
        if verdict.action in ("go", "warn"):
            watch.after(name, arguments, result(number) if callable(result) else result, failed=failed)
    return verdicts


def test_rsn_52_the_same_call_is_warned_blocked_and_stopped():
    """§4.13: successful calls too; the order of the arguments does not matter."""
    watch = Watch(Steps())
    calls = [("get_weather", {"a": 1, "b": 2} if number % 2 else {"b": 2, "a": 1}) for number in range(6)]
    assert ladder(watch, calls, "sunny") == ["go", "go", "warn", "block", "block", "stop"]
    assert "sunny" in watch.before("get_weather", {"a": 1, "b": 2}).reason


def test_rsn_52_cycles_do_not_escape():
    """§4.13: A, B, A, B …; other calls in between may differ in arguments of no use."""
    watch = Watch(Steps(warn=3, block=4, stop=5))
    calls = [("ab"[number % 2], {"n": 1}) for number in range(10)]
    assert "stop" in ladder(watch, calls)
    # In a window of 12, each of four calls comes three times only: it is the cycle that gives it away.
    verdicts = ladder(Watch(Steps()), [("abcd"[number % 4], {}) for number in range(24)])
    assert (verdicts[7], verdicts[8], verdicts[15], verdicts[23]) == ("go", "warn", "block", "stop")


def test_rsn_52_near_identical_errors_and_results():
    watch = Watch(Steps())
    calls = [("fetch", {"n": number}) for number in range(10)]
    verdicts = ladder(
        watch, calls, lambda number: f"connection to host {number} was refused by the other side", failed=True
    )
    assert verdicts == ["go", "go", "go", "warn", "block", "block", "block", "block", "block", "block"]
    watch = Watch(Steps())
    verdicts = ladder(watch, calls, lambda number: f"page {number}: " + "nothing found " * 30)
    assert verdicts[:5] == ["go", "go", "go", "warn", "block"]


def test_rsn_52_different_work_is_left_alone():
    watch = Watch(Steps())
    calls = [("write_file", {"path": f"f{number}"}) for number in range(40)]
    assert set(ladder(watch, calls, '{"written": 5}')) == {"go"}
    watch = Watch(Steps(exempt=("poll_*",)))
    assert set(ladder(watch, [("poll_job", {})] * 20, "pending")) == {"go"}


def test_rsn_52_abort_task_ends_where_it_would_block():
    assert ladder(Watch(Steps(on_limit_reached="abort_task")), [("a", {})] * 4) == ["go", "go", "warn", "stop"]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), max_size=60))
def test_rsn_52_no_run_escapes_a_bound(calls: list[tuple[str, int]]):
    """Whatever is called, within any window no call is carried out more often than the ladder allows."""
    watch, steps = Watch(Steps()), Steps()
    done: list[tuple[str, int] | None] = []
    for name, number in calls:
        goes = watch.before(name, {"n": number}).action in ("go", "warn")
        done.append((name, number) if goes else None)
        if goes:
            watch.after(name, {"n": number}, "ok", failed=False)
    for start in range(len(done)):
        window = [call for call in done[start : start + steps.window] if call is not None]
        assert all(window.count(call) < steps.block for call in window)


def test_rsn_54_references_are_found_as_people_write_them():
    """§4.16: PR is no issue, punctuation is no address, each once."""
    text = (
        "See https://example.com/a(b), PR #5, issue #7 and ./src/app.py. Again #7! Not &#39; nor x#9; /etc/passwd.txt?"
    )
    assert find_references(text) == [
        ("url", "https://example.com/a(b"),
        ("pr", "PR #5"),
        ("issue", "#7"),
        ("file", "./src/app.py"),
        ("file", "/etc/passwd.txt"),
    ]
    assert find_references("see TICKET-12", {"ticket": r"TICKET-\d+"}) == [("ticket", "TICKET-12")]


@given(st.text(max_size=300))
def test_rsn_54_any_text_is_taken(text: str):
    find_references(text)


def test_rsn_54_off_by_default_and_the_argument_comes_from_the_schema():
    tools = [tool("http_get")]
    assert prefetches("https://a.example/", tools, Prehydration(resolution_tools={"url": "http_get"})) == []
    config = Prehydration(enabled=True, resolution_tools={"url": "http_get", "file": "read_file"}, max_references=2)
    [found] = prefetches("https://a.example/ and ./b.txt", tools, config)
    assert (found.tool, found.arguments) == ("http_get", {"url": "https://a.example/"})
    many = prefetches(" ".join(f"https://a.example/{n}" for n in range(9)), tools, config)
    assert len(many) == 2


def test_rsn_55_a_tree_of_four_levels(tmp_path: Path):
    """§4.17: nearest first, parents inherited, language last of its place, nothing outside."""
    places = ["", "a", "a/b", "a/b/c"]
    for place in places:
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "CONVENTIONS.md").write_text(f"rules of {place or 'root'}")
    (tmp_path / "a" / "CONVENTIONS.python.md").write_text("python rules of a")
    text = conventions_for(tmp_path, "a/b/c", "python", Conventions())
    order = ["rules of a/b/c", "rules of a/b\n", "rules of a\n", "python rules of a", "rules of root"]
    found = [text.index(each.strip("\n")) if not each.endswith("\n") else text.index(each) for each in order]
    assert found == sorted(found)
    assert "python" not in conventions_for(tmp_path, "a/b/c", "rust", Conventions())
    (tmp_path.parent / "CONVENTIONS.md").write_text("outside")
    for bad in ("..", "a/../../..", "/..", "\0"):
        assert "outside" not in conventions_for(tmp_path, bad, "", Conventions())
    assert directory_within(tmp_path, "/a") == (tmp_path / "a").resolve()
    (tmp_path / "link").symlink_to(tmp_path.parent)
    assert directory_within(tmp_path, "link") is None


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"pre_hydration": {"custom_patterns": {"x": "("}}}, "custom_patterns.x"),
        ({"step_iteration": {"warn": 5, "block": 4}}, "step_iteration"),
    ],
)
async def test_bad_settings_are_refused(tmp_path: Path, table: Any, path: str):
    with pytest.raises(ConfigError, match=path):
        async with open_kernel(tmp_path, [plugin], tables={"adaptive": table}):
            pass


async def test_the_service_is_found_by_its_contract(tmp_path: Path):
    async with open_kernel(tmp_path, [plugin]) as kernel:
        shaper = kernel.services.get(Adaptive)
        entry, settings = shaper.watch(None)
        assert (entry, settings["stop"]) == ("symbi_adaptive.watch:make_watch", 6)
