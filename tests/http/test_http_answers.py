"""The records behind `Idempotency-Key`, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from symbi.contracts.offers import Tables
from symbi.http.idempotency import CLAIM_SECONDS, SavedAnswer, _extend, _free, _purge, _save, _take
from symbi.kernel.kernel import CORE_TABLES_OFFER
from symbi.store import Store

NOW, LATER = 1_000_000, 9_000_000
ANSWER = SavedAnswer(outcome="answered", status=201, headers={"content-type": "application/json"}, body=b"\x00{}")


@pytest.fixture
def store_tables() -> Sequence[Tables]:
    return (CORE_TABLES_OFFER,)


async def test_of_many_claims_one_wins(any_store: Store) -> None:
    found = await asyncio.gather(*(any_store.write(_take, "slot", "r", f"c{n}", NOW, LATER) for n in range(16)))
    assert sorted(each.outcome for each in found) == ["busy"] * 15 + ["claimed"]


async def test_answer_is_given_again_and_to_nobody_else(any_store: Store) -> None:
    await any_store.write(_take, "slot", "r", "mine", NOW, LATER)
    await any_store.write(_save, "slot", "other", ANSWER)
    assert (await any_store.write(_take, "slot", "r", "x", NOW, LATER)).outcome == "busy"
    await any_store.write(_save, "slot", "mine", ANSWER)
    assert await any_store.write(_take, "slot", "r", "x", NOW, LATER) == ANSWER
    assert (await any_store.write(_take, "slot", "other body", "x", NOW, LATER)).outcome == "mismatch"
    assert (await any_store.write(_take, "other slot", "r", "x", NOW, LATER)).outcome == "claimed"


async def test_a_lapsed_claim_goes_to_the_next_and_the_old_holder_cannot_answer(any_store: Store) -> None:
    await any_store.write(_take, "slot", "r", "dead", NOW, LATER)
    lapse = NOW + CLAIM_SECONDS * 1000
    await any_store.write(_extend, "slot", "dead", NOW + 1000)
    assert (await any_store.write(_take, "slot", "r", "next", lapse, LATER)).outcome == "busy"
    assert (await any_store.write(_take, "slot", "r", "next", lapse + 1000, LATER)).outcome == "claimed"
    await any_store.write(_save, "slot", "dead", ANSWER)
    await any_store.write(_free, "slot", "dead")
    assert (await any_store.write(_take, "slot", "r", "third", lapse + 1000, LATER)).outcome == "busy"


async def test_freed_and_purged_records_are_gone(any_store: Store) -> None:
    await any_store.write(_take, "freed", "r", "mine", NOW, LATER)
    await any_store.write(_free, "freed", "mine")
    assert (await any_store.write(_take, "freed", "r", "x", NOW, LATER)).outcome == "claimed"
    await any_store.write(_take, "old", "r", "mine", NOW, NOW + 10)
    await any_store.write(_save, "old", "mine", ANSWER)
    assert (await any_store.write(_take, "old", "other", "x", NOW + 10, LATER)).outcome == "claimed"
    await any_store.write(_purge, LATER)
    assert (await any_store.write(_take, "old", "r", "x", NOW, LATER)).outcome == "claimed"
