"""Memories: kept, found, corrected with history, isolated, bounded, forgotten (CTX-1 … CTX-25)."""

from __future__ import annotations

import pytest

from symbi.contracts.context import Forget, MemoryNotFound, NewMemory, SearchQuery
from symbi.contracts.errors import CapacityExceeded, ConfigError, Conflict, InvalidRequest, PayloadTooLarge
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.vectors import Scope
from symbi.testing.clock import FakeClock

DAY = 86_400


async def test_ctx_3_the_id_of_add_is_the_id_of_everything(house):
    async with house() as home:
        kept = await home.remember("the blue door leads to the garden", metadata={"room": "hall"})
        scope = await home.scope()
        assert (await home.service.get(scope, kept.id)).metadata == {"room": "hall"}
        for mode in ("keyword", "similarity", "hybrid", "semantic"):
            answer = await home.service.search(scope, SearchQuery(query_type=mode, terms=("blue door",)))
            assert [hit.item.id for hit in answer.hits] == [kept.id], mode
        assert [item.id for item in await home.service.list(scope)] == [kept.id]
        proof = await home.service.forget(scope, Forget(ids=(kept.id,)), principal=LOCAL_ADMIN)
        assert (proof.ids, proof.complete) == ((kept.id,), True)
        with pytest.raises(MemoryNotFound):
            await home.service.get(scope, kept.id)


async def test_ctx_1_another_agent_finds_reads_and_erases_nothing(house):
    async with house() as home:
        kept = await home.remember("the password of the vault is swordfish")
        other = await home.scope("agent-b")
        for mode in ("keyword", "similarity", "hybrid"):
            assert (
                await home.service.search(
                    other, SearchQuery(query_type=mode, terms=("password of the vault is swordfish",))
                )
            ).hits == ()
        for use in (
            home.service.get(other, kept.id),
            home.service.history(other, kept.id),
            home.service.revise(other, kept.id, {"importance": 1.0}, principal=LOCAL_ADMIN),
            home.service.remember(other, NewMemory(text="x", supersedes=kept.id), principal=LOCAL_ADMIN),
        ):
            with pytest.raises(MemoryNotFound):
                await use
        assert (await home.service.forget(other, Forget(ids=(kept.id,)), principal=LOCAL_ADMIN)).erased == 0
        assert (await home.service.get(await home.scope(), kept.id)).text.endswith("swordfish")
        stranger = Scope(tenant="elsewhere", agent="agent-a")
        assert (await home.service.search(stranger, SearchQuery(terms=("swordfish",)))).hits == ()


async def test_ctx_20_a_correction_closes_the_old_and_as_of_answers_history(house):
    clock = FakeClock()
    async with house(clock=clock) as home:
        loves = await home.remember("Ann loves cats")
        before = clock.now_ms()
        await clock.advance(DAY)
        hates = await home.remember("Ann hates cats", supersedes=loves.id)
        await clock.advance(DAY)
        assert await home.found("Ann cats", query_type="keyword") == ["Ann hates cats"]
        assert await home.found("felines", query_type="similarity") == ["Ann hates cats"]
        assert await home.found("Ann cats", query_type="keyword", as_of=before) == ["Ann loves cats"]
        history = await home.service.history(await home.scope(), hates.id)
        assert [(each.text, each.superseded_by) for each in history] == [
            ("Ann loves cats", None), ("Ann loves cats", hates.id), ("Ann hates cats", None),
        ]  # fmt: skip
        with pytest.raises(InvalidRequest, match="superseded already"):
            await home.remember("Ann adores cats", supersedes=loves.id)


async def test_ctx_21_a_functional_predicate_supersedes_and_another_conflicts(house):
    tables = {"context": {"functional_predicates": ["lives_in"]}}
    async with house(tables=tables) as home:
        await home.remember("Bob lives in Oslo", data={"subject": "Bob", "predicate": "lives_in", "object": "Oslo"})
        await home.remember("Bob lives in Bergen", data={"subject": "Bob", "predicate": "lives_in", "object": "Bergen"})
        assert await home.found("Bob lives", query_type="keyword") == ["Bob lives in Bergen"]
        red = await home.remember("Bob likes red", data={"subject": "Bob", "predicate": "likes", "object": "red"})
        blue = await home.remember("Bob likes blue", data={"subject": "Bob", "predicate": "likes", "object": "blue"})
        assert blue.conflicts == (red.id,)
        again = await home.remember("Bob likes Blue!", data={"subject": "Bob", "predicate": "likes", "object": " BLUE"})
        assert again.conflicts == (red.id,)
        assert len(await home.found("likes", query_type="keyword")) == 3


async def test_a_revision_keeps_what_was(house):
    async with house() as home:
        kept = await home.remember("the car is green")
        scope = await home.scope()
        changed = await home.service.revise(
            scope, kept.id, {"text": "the car is yellow", "importance": 0.9}, principal=LOCAL_ADMIN
        )
        assert (changed.revision, changed.importance) == (2, 0.9)
        assert await home.found("green", query_type="keyword") == []
        assert await home.found("automobile yellow", query_type="similarity") == ["the car is yellow"]
        assert [each.text for each in await home.service.history(scope, kept.id)] == [
            "the car is green",
            "the car is yellow",
        ]
        for wrong in (
            {},
            {"agent": "x"},
            {"importance": 2},
            {"importance": True},
            {"type": "odd"},
            {"level": "x"},
            {"pinned": "yes"},
            {"metadata": {"a": 1}},
        ):
            with pytest.raises(InvalidRequest):
                await home.service.revise(scope, kept.id, wrong, principal=LOCAL_ADMIN)


@pytest.mark.parametrize("text", ["", "  \n ", None, 3])
async def test_a_text_that_says_nothing_is_refused(house, text):
    async with house() as home:
        with pytest.raises(InvalidRequest):
            await home.remember(text)


async def test_ctx_32_odd_and_large_texts_are_kept(house):
    async with house() as home:
        for text in (
            "nul \0 inside",
            "🙂🙃 emoji",
            "half \ud83d surrogate",
            "x" * 1_000_000,
            '"quotes" AND (OR) NEAR * ^ -minus:',
            "'; DROP TABLE context_items; --",
        ):
            kept = await home.remember(text)
            assert (await home.service.get(await home.scope(), kept.id)).text == text.replace("\0", "\ufffd").replace(
                "\ud83d", "?"
            )
        assert len(await home.found("emoji", query_type="keyword")) == 1
        assert len(await home.found('"quotes" AND (OR NEAR* ^-minus:', query_type="keyword")) == 1
        with pytest.raises(PayloadTooLarge):
            await home.remember("x" * 1_048_577)


async def test_ctx_8_the_least_important_go_first_and_never_pinned_or_secret_ones(house):
    async with house(tables={"context": {"max_memories": 5}}) as home:
        await home.remember("pinned", importance=0.0, pinned=True)
        await home.remember("secret", importance=0.0, level="secret")
        await home.remember("dull", importance=0.1)
        for number in range(4):
            await home.remember(f"bright {number}", importance=0.9)
        live = {item.text for item in await home.service.list(await home.scope())}
        assert len(live) == 5
        assert {"pinned", "secret"} < live
        archived = [item.text for item in await home.service.list(await home.scope(), archived=True)]
        assert "dull" in archived
        assert await home.found("dull", query_type="keyword", archived=True) == ["dull"]
    async with house(tables={"context": {"max_memories": 2}}) as home:
        scope = await home.scope("agent-c")
        for _ in range(2):
            await home.service.remember(scope, NewMemory(text="kept", pinned=True), principal=LOCAL_ADMIN)
        with pytest.raises(CapacityExceeded, match="max_memories"):
            await home.service.remember(scope, NewMemory(text="one more"), principal=LOCAL_ADMIN)


async def test_ctx_22_retention_archives_what_nobody_used_and_later_erases_it(house):
    clock = FakeClock()
    async with house(clock=clock, tables={"context": {"memory_days": 10, "archive_interval_hours": 0}}) as home:
        old = await home.remember("an old habit")
        await home.remember("an old pin", pinned=True)
        used = await home.remember("an old tool")
        await clock.advance(9 * DAY)
        await home.service.get(await home.scope(), used.id)
        await home.service.accesses.flush()
        await clock.advance(2 * DAY)
        retention = home.service.retention
        dry = await retention.apply(dry_run=True)
        assert (dry.archived, dry.erased) == (1, 0)
        assert (await retention.apply()).archived == 1
        assert sorted(item.text for item in await home.service.list(await home.scope())) == [
            "an old pin",
            "an old tool",
        ]
        restored = await retention.restore(await home.scope(), old.id)
        assert restored.archived_at is None
        await clock.advance(30 * DAY)
        await retention.apply()
        report = await retention.apply()
        assert report.erased == 0 or report.archived == 0
        assert sorted(item.text for item in await home.service.list(await home.scope())) == ["an old pin"]
        with pytest.raises(MemoryNotFound):
            await home.service.get(await home.scope(), old.id)


async def test_ctx_23_an_erasure_leaves_no_trace_in_the_files(house, tmp_path):
    def traces(word):
        return [
            path.name for path in (tmp_path / "data").rglob("*") if path.is_file() and word in path.read_bytes().lower()
        ]

    async with house() as home:
        for number in range(30):
            await home.remember(f"ordinary matter number {number}")
        first = await home.remember("zanzibarquux is the codename", data={"subject": "Codename", "predicate": "is"})
        second = await home.remember("zanzibarquux was dropped", supersedes=first.id, data={"subject": "other"})
        await home.service.revise(
            await home.scope(), second.id, {"text": "zanzibarquux is back"}, principal=LOCAL_ADMIN
        )
        assert traces(b"zanzibarquux")
        proof = await home.service.forget(await home.scope(), Forget(ids=(second.id,)), principal=LOCAL_ADMIN)
        assert set(proof.ids) == {first.id, second.id}
        assert proof.checks == {"rows": True, "vectors": True, "files": True}
        assert proof.removed["revisions"] == 2
        assert traces(b"zanzibarquux") == []
        assert await home.found("ordinary matter", query_type="keyword", limit=50)
        with pytest.raises(InvalidRequest):
            await home.service.forget(await home.scope(), Forget(), principal=LOCAL_ADMIN)


async def test_ctx_23_a_subject_a_session_and_everything_can_be_forgotten(house):
    async with house() as home:
        scope = await home.scope()
        await home.remember("Ann is tall", data={"subject": "Ann", "predicate": "is", "object": "tall"})
        await home.remember("Bob is small", data={"subject": "Bob", "predicate": "is", "object": "small"})
        await home.service.add_line(scope, "s1", "user", "hello there")
        assert (await home.service.forget(scope, Forget(subject="ANN"), principal=LOCAL_ADMIN)).erased == 1
        assert (await home.service.forget(scope, Forget(session="s1"), principal=LOCAL_ADMIN)).removed["sessions"] == 1
        await home.service.set_block(scope, "persona", "kind")
        proof = await home.service.forget(scope, Forget(everything=True), principal=LOCAL_ADMIN)
        assert (proof.erased, proof.removed["blocks"]) == (1, 1)
        assert (await home.service.stats())["memories"] == 0


async def test_ctx_25_blocks_are_bounded_and_swapped_only_when_they_are_what_was_read(house):
    async with house(tables={"context": {"max_blocks": 2}}) as home:
        scope = await home.scope()
        first = await home.service.set_block(scope, "persona", "be kind", expected=0)
        assert first.version == 1
        with pytest.raises(Conflict) as caught:
            await home.service.set_block(scope, "persona", "be rude", expected=0)
        assert caught.value.details == {"version": 1, "text": "be kind"}
        assert (await home.service.set_block(scope, "persona", "be brief", expected=1, limit=10)).version == 2
        with pytest.raises(InvalidRequest, match="may have 10"):
            await home.service.set_block(scope, "persona", "x" * 11)
        await home.service.set_block(scope, "task", "write")
        with pytest.raises(CapacityExceeded):
            await home.service.set_block(scope, "third", "x")
        assert (
            await home.service.prompt(scope)
            == '<block label="persona">\nbe brief\n</block>\n<block label="task">\nwrite\n</block>'
        )
        assert await home.service.blocks(await home.scope("agent-b")) == []


async def test_ctx_6_an_old_session_still_works_after_a_new_one(house):
    async with house() as home:
        scope = await home.scope()
        await home.service.add_line(scope, "one", "user", "where is the harbour")
        await home.service.add_line(scope, "two", "user", "what is for lunch")
        await home.service.add_line(scope, "one", "agent", "behind the station")
        assert [line.text for line in await home.service.sessions.lines(scope, "one", limit=10)] == [
            "where is the harbour",
            "behind the station",
        ]
        narrowed = await home.service.scope("agent-a", principal=LOCAL_ADMIN, session="two")
        assert (await home.service.search(narrowed, SearchQuery(query_type="keyword", terms=("harbour",)))).hits == ()
        assert await home.found("harbour", query_type="keyword", types=("episodic",)) == ["where is the harbour"]
        with pytest.raises(MemoryNotFound):
            await home.service.sessions.lines(await home.scope("agent-b"), "one", limit=10)


async def test_ctx_7_encryption_that_is_required_is_not_pretended(house):
    with pytest.raises(ConfigError, match="encrypted disk"):
        async with house(tables={"context": {"encryption_required": True}}):
            pass


async def test_memories_survive_a_restart(house):
    async with house() as home:
        kept = await home.remember("lasting")
    async with house() as home:
        assert (await home.service.get(await home.scope(), kept.id)).text == "lasting"
        assert await home.found("lasting") == ["lasting"]
