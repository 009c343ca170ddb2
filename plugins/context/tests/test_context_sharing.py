"""Sharing by grant, decided by policy at each read; knowledge levels likewise (CTX-24, CTX-41, POL-40)."""

from __future__ import annotations

import pytest

from symbi.contracts.context import MemoryNotFound, NewDocument, SearchQuery
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.vectors import SHARED
from symbi.testing.clock import FakeClock


async def test_ctx_24_a_grant_shows_what_it_names_until_it_is_revoked_or_ends(house, governed, rules_of, home_log):
    clock = FakeClock()
    rules = rules_of(people=3, others=3)
    log = home_log()
    async with house(governed(rules, log), clock=clock) as home:
        mine = await home.scope()
        shared = await home.remember("the meeting is on monday")
        await home.remember("the meeting is secret business")
        assert await home.found("meeting", agent="agent-b") == []
        grant = await home.service.share(mine, "agent-b", principal=LOCAL_ADMIN, items=[shared.id])
        for mode in ("keyword", "similarity", "hybrid"):
            assert await home.found("the meeting is on monday", agent="agent-b", query_type=mode) == [
                "the meeting is on monday"
            ]
        assert await home.found("meeting", agent="agent-c") == []
        await home.service.revoke(mine, grant.id, principal=LOCAL_ADMIN)
        assert await home.found("meeting", agent="agent-b") == []
        await home.service.share(mine, "group:staff", principal=LOCAL_ADMIN, expires_at=clock.now_ms() + 60_000)
        staff = await home.scope("agent-d", groups=["staff"])
        assert len((await home.service.search(staff, SearchQuery(terms=("meeting",)))).hits) == 2
        await clock.advance(61)
        staff = await home.scope("agent-d", groups=["staff"])
        assert (await home.service.search(staff, SearchQuery(terms=("meeting",)))).hits == ()
        assert [kind for kind, _, _ in log.records] == ["memory.shared", "memory.unshared", "memory.shared"]
    async with house(governed(rules)) as home:
        assert len(await home.service.sharing.grants(await home.scope())) == 2


async def test_ctx_24_policy_decides_how_far_a_reader_gets(house, governed, rules_of):
    async with house(governed(rules_of(clerk=0, chief=3, people=3))) as home:
        mine = await home.scope()
        await home.remember("plain report of the quarter")
        await home.remember("confidential report of the quarter", level="confidential")
        for reader in ("clerk", "chief", "stranger"):
            await home.service.share(mine, reader, principal=LOCAL_ADMIN, level="secret")
        assert await home.found("report quarter", agent="clerk") == ["plain report of the quarter"]
        assert len(await home.found("report quarter", agent="chief")) == 2
        assert await home.found("report quarter", agent="stranger") == []


async def test_ctx_24_trust_grows_with_use(house, governed, rules_of):
    async with house(governed(rules_of(others=3, people=3))) as home:
        kept = await home.remember("water boils at hundred degrees")
        await home.service.share(await home.scope(), "agent-b", principal=LOCAL_ADMIN)
        query = SearchQuery(query_type="keyword", terms=("water boils",))
        [first] = (await home.service.search(await home.scope("agent-b"), query)).hits
        for _ in range(5):
            home.service.accesses.note([kept.id])
        await home.service.accesses.flush()
        [later] = (await home.service.search(await home.scope("agent-b"), query)).hits
        assert later.explain["trust"] > first.explain["trust"] >= 0.5


async def test_ctx_24_only_ones_own_can_be_shared_or_revoked(house):
    async with house() as home:
        kept = await home.remember("mine")
        other = await home.scope("agent-b")
        with pytest.raises(MemoryNotFound):
            await home.service.share(other, "agent-c", principal=LOCAL_ADMIN, items=[kept.id])
        grant = await home.service.share(await home.scope(), "agent-b", principal=LOCAL_ADMIN)
        with pytest.raises(MemoryNotFound):
            await home.service.revoke(other, grant.id, principal=LOCAL_ADMIN)
        for wrong in (
            {"recipient": "agent-a"},
            {"recipient": ""},
            {"recipient": SHARED},
            {"recipient": "b", "level": "odd"},
            {"recipient": "b", "expires_at": 1},
        ):
            with pytest.raises(InvalidRequest):
                await home.service.share(await home.scope(), wrong.pop("recipient"), principal=LOCAL_ADMIN, **wrong)


async def test_ctx_41_no_passage_is_above_the_readers_clearance(house, governed, rules_of):
    async with house(governed(rules_of(clerk=0, chief=2, people=3))) as home:
        pool = await home.scope(SHARED)
        for level in ("public", "confidential", "secret"):
            document = NewDocument(uri=f"{level}.md", content=f"The {level} plan of the harbour.", level=level)
            await home.service.ingest(pool, document, principal=LOCAL_ADMIN)
        for reader, levels in (("clerk", {"public"}), ("chief", {"public", "confidential"}), ("stranger", set())):
            found = await home.service.retrieve(await home.scope(reader), "plan of the harbour")
            assert {passage.level for passage in found.passages} == levels, reader
        bounded = await home.service.retrieve(await home.scope("chief"), "plan of the harbour", level="public")
        assert {passage.level for passage in bounded.passages} == {"public"}


async def test_without_a_gate_only_what_is_public_is_shared(house):
    async with house() as home:
        await home.service.ingest(
            await home.scope(SHARED), NewDocument(uri="a", content="open words", level="public"), principal=LOCAL_ADMIN
        )
        await home.service.ingest(
            await home.scope(SHARED),
            NewDocument(uri="b", content="closed words", level="restricted"),
            principal=LOCAL_ADMIN,
        )
        found = await home.service.retrieve(await home.scope("agent-b"), "words")
        assert [passage.uri for passage in found.passages] == ["a"]
