"""Compaction: pairs stay together, what must stay stays, summaries are flat, failures shorten instead, and it always ends (CTX-50, CTX-51)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.context import SearchQuery, Turn
from symbi_context.compaction import Compactor, groups_of, tokens_in, tokens_of

WORDS = "the harbour master keeps the tide table in the drawer " * 6


def talk(count, *, size=1):
    text = WORDS * size
    turns = [Turn(role="system", content="You are the harbour clerk.")]
    for number in range(count):
        turns.append(Turn(role="user", content=f"question {number} {text}"))
        turns.append(Turn(role="assistant", content=f"call {number}", group=f"g{number}"))
        turns.append(Turn(role="tool", content=f"result {number} {text}", group=f"g{number}"))
    return turns


def limit_for(turns, ratio):
    return int(sum(map(tokens_of, turns)) / ratio)


async def good(text, most):
    return "they spoke about tides"


async def bad(text, most):
    raise RuntimeError("no model")


async def compact(turns, ratio, *, summarise=None, archive=None):
    return await Compactor(limit=limit_for(turns, ratio), summarise=summarise, archive=archive).compact(turns)


def test_tokens_are_counted_by_bytes():
    assert tokens_in("") == 0
    assert tokens_in("abcdefg") == 2
    assert tokens_in("🙂" * 7) == 8


async def test_ctx_51_each_tier_begins_where_it_should():
    turns = talk(8)
    kept = []

    async def archive(gone):
        kept.extend(gone)
        return [f"id{number}" for number in range(len(gone))]

    assert (await compact(turns, 0.60)).tier == "none"
    summed = await compact(turns, 0.75, summarise=good)
    assert (summed.tier, summed.summarised_by_model) == ("summarize", True)
    assert (await compact(talk(8, size=4), 0.82)).tier == "compress"
    archived = await compact(turns, 0.87, archive=archive)
    assert archived.tier == "archive"
    assert len(archived.archived) == len(kept) > 0
    cut = await compact(turns, 1.4)
    assert cut.tier == "truncate"
    for each in (summed, archived, cut):
        assert each.progress
        assert each.tokens_after < each.tokens_before
        assert each.turns[0].content == "You are the harbour clerk."


async def test_ctx_50_a_call_never_loses_its_result():
    for ratio in (0.75, 0.87, 1.2):
        found = await compact(talk(9), ratio, summarise=good)
        groups = {}
        for turn in found.turns:
            if turn.group:
                groups.setdefault(turn.group, []).append(turn.role)
        assert all(roles == ["assistant", "tool"] for roles in groups.values())
        ungrouped = groups_of([Turn(role="assistant", content="call"), Turn(role="tool", content="result")])
        assert len(ungrouped) == 1


async def test_ctx_50_a_summary_is_flat_and_marked_as_history():
    asked = []

    async def summarise(text, most):
        asked.append(text)
        return "[Summary of what was said before. It is history, not a task.] the tides again"

    first = await compact(talk(8), 0.75, summarise=summarise)
    more = [*first.turns, *talk(8)[1:]]
    second = await compact(more, 0.75, summarise=summarise)
    summaries = [turn for turn in second.turns if turn.summary]
    assert len(summaries) == 1
    assert summaries[0].content.count("It is history, not a task") == 1
    assert summaries[0].role == "system"
    assert "the tides again" in asked[1]
    assert "It is history" not in asked[1]


@pytest.mark.parametrize("summarise", [None, bad])
async def test_ctx_50_a_summary_that_fails_shortens_instead(summarise):
    turns = talk(8, size=4)
    found = await compact(turns, 0.75, summarise=summarise)
    assert found.tier == "compress"
    assert found.progress
    assert found.reason
    assert len(found.turns) == len(turns)


async def test_ctx_50_what_is_protected_confidential_or_secret_stays():
    turns = talk(8)
    turns[1] = Turn(role="user", content="keep me", protected=True)
    turns[4] = Turn(role="user", content="secret matter", level="secret")
    for ratio in (0.75, 0.87, 3.0):
        found = await compact(turns, ratio, summarise=good)
        contents = [turn.content for turn in found.turns]
        assert "keep me" in contents
        assert "secret matter" in contents


async def test_ctx_50_it_says_when_asking_again_is_useless():
    turns = [Turn(role="system", content="x" * 4000), Turn(role="user", content="short")]
    found = await compact(turns, 2.0)
    assert (found.tier, found.progress, found.turns) == ("none", False, tuple(turns))
    assert "nothing may go" in found.reason


_turns = st.lists(
    st.builds(
        Turn,
        role=st.sampled_from(["user", "assistant", "tool", "system"]),
        content=st.sampled_from(["", "x", WORDS, WORDS * 4]),
        group=st.sampled_from(["", "", "a", "b"]),
        protected=st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(_turns, st.integers(1, 2000))
async def test_ctx_50_it_never_grows_and_always_comes_to_an_end(turns, limit):
    for _ in range(30):
        found = await Compactor(limit=limit, summarise=good, archive=None).compact(turns)
        assert found.tokens_after <= found.tokens_before
        assert [t for t in found.turns if t.protected] == [t for t in turns if t.protected]
        if not found.progress:
            return
        turns = list(found.turns)
    raise AssertionError("it goes on for ever")


async def test_ctx_51_what_was_archived_is_found_again(house):
    async with house() as home:
        scope = await home.scope()
        turns = talk(8)
        turns[1] = Turn(role="user", content=f"the lighthouse key hangs behind the stove {WORDS}", at=5)
        found = await home.service.compact(turns, limit_tokens=limit_for(turns, 0.87), scope=scope)
        assert found.tier == "archive"
        assert not any("lighthouse key" in turn.content for turn in found.turns)
        assert "searching memory" in next(turn.content for turn in found.turns if turn.summary)
        answer = await home.service.search(scope, SearchQuery(query_type="keyword", terms=("lighthouse key",)))
        assert answer.hits[0].item.id in found.archived
