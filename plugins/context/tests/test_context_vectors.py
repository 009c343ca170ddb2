"""The vector backend fails, lags, dies in the middle, changes its model: nothing is lost, mixed or silent (CTX-4, CTX-9, CTX-30)."""

from __future__ import annotations

import pytest

from symbi.contracts.context import Forget, NewDocument, SearchQuery
from symbi.contracts.errors import ConfigError
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.vectors import EmbeddingMismatch, VectorBackendFailed
from symbi.testing.vectors import VectorStoreContract


class Death(BaseException):
    """The process dies here."""


async def settled(home):
    await home.service.vectors.drain()
    return sorted(record for _, _, record in home.shelf.collections.get("symbi_knowledge", (None, {}))[1])


async def test_ctx_9_a_backend_that_is_down_delays_and_never_loses(house):
    async with house() as home:
        await home.remember("before")
        home.shelf.broken = True
        kept = await home.remember("during the outage")
        assert await home.service.vectors.waiting() == 1
        health = await home.service.health()
        assert (health.state, health.figures["waiting"]) == ("unhealthy", 1)
        assert "shelf is broken" in health.reason
        assert await home.found("outage", query_type="keyword") == ["during the outage"]
        answer = await home.service.search(await home.scope(), SearchQuery(terms=("outage",)))
        assert (answer.degraded, answer.reason) == (True, "the shelf is broken")
        proof = await home.service.forget(await home.scope(), Forget(ids=(kept.id,)), principal=LOCAL_ADMIN)
        assert not proof.complete
        home.shelf.broken = False
        await home.remember("after")
        assert len(await settled(home)) == 2
        assert (await home.service.health()).state == "healthy"
        assert await home.service.vectors.waiting() == 0


async def test_ctx_9_what_waited_is_written_after_a_restart(house):
    async with house() as home:
        home.shelf.broken = True
        kept = await home.remember("patient")
    async with house() as home:
        home.shelf.broken = False
        assert await settled(home) == [kept.id]
        assert await home.found("patient", query_type="similarity") == ["patient"]


async def test_ctx_31_a_broken_embedder_invents_nothing(house):
    async with house() as home:
        home.bags.broken = True
        await home.remember("unembedded")
        answer = await home.service.search(await home.scope(), SearchQuery(terms=("unembedded",)))
        assert answer.degraded
        assert [hit.item.text for hit in answer.hits] == ["unembedded"]
        assert await settled(home) == []
        home.bags.broken = False
        assert len(await settled(home)) == 1


@pytest.mark.parametrize("step", ["remember", "ingest", "forget", "revise"])
async def test_ctx_4_dying_between_row_and_vector_is_mended_at_the_next_start(house, step):
    text = "first part of it.\n\n" + "second part. " * 90
    async with house() as home:
        scope = await home.scope()
        kept = await home.remember("old words")
        await home.service.ingest(scope, NewDocument(uri="a.txt", content="old document"), principal=LOCAL_ADMIN)

        def die():
            raise Death

        home.shelf.before_write = die
        calls = {
            "remember": lambda: home.remember("new words"),
            "ingest": lambda: home.service.ingest(scope, NewDocument(uri="a.txt", content=text), principal=LOCAL_ADMIN),
            "forget": lambda: home.service.forget(scope, Forget(ids=(kept.id,)), principal=LOCAL_ADMIN),
            "revise": lambda: home.service.revise(scope, kept.id, {"text": "newer words"}, principal=LOCAL_ADMIN),
        }
        with pytest.raises(Death):
            await calls[step]()
        home.shelf.before_write = lambda: None
    async with house() as home:
        in_backend = await settled(home)
        counts = await home.service.stats()
        assert len(in_backend) == counts["memories"] + counts["chunks"]
        expected = {"remember": 3, "ingest": 1 + counts["chunks"], "forget": 1, "revise": 2}[step]
        assert len(in_backend) == expected
        for stored in home.shelf.collections["symbi_knowledge"][1].values():
            assert (await home.service.memories.get(await home.scope(), stored.id)).kind == stored.kind
        if step == "revise":
            assert await home.found("newer words", query_type="similarity", kinds=("memory",)) == ["newer words"]


async def test_ctx_30_another_model_is_refused_until_everything_is_embedded_again(house, bags):
    async with house() as home:
        await home.remember("made with the first model")
    bags.model = "another"
    async with house() as home:
        with pytest.raises(EmbeddingMismatch, match="reembed"):
            await home.service.search(await home.scope(), SearchQuery(terms=("first model",)))
        late = await home.remember("kept all the same")
        assert await home.found("kept", query_type="keyword") == ["kept all the same"]
        assert await home.service.vectors.reset("ticket") == 2
        assert len(await settled(home)) == 2
        assert await home.found("kept all", query_type="similarity", threshold=0.8) == ["kept all the same"]
        assert late.id in await settled(home)


async def test_ctx_33_a_text_is_embedded_once(house):
    async with house() as home:
        for _ in range(3):
            await home.found("the same question", query_type="similarity")
        assert home.bags.asked == 1


async def test_an_unknown_backend_or_embedder_stops_the_start(house):
    with pytest.raises(ConfigError, match=r"vector_db.backend.*installed: shelf"):
        async with house(tables={"vector_db": {"backend": "surely-not"}}):
            pass
    with pytest.raises(ConfigError, match="surely-not"):
        async with house(environ={"SYMBIONT_VECTOR_BACKEND": "surely-not"}):
            pass
    with pytest.raises(ConfigError, match=r"context\.embedder"):
        async with house(tables={"context": {"embedder": "surely-not"}}):
            pass
    with pytest.raises(ConfigError, match="REQUIRE_REAL"):
        async with house(words_only=True, environ={"SYMBIONT_REQUIRE_REAL_EMBEDDINGS": "1"}):
            pass


@pytest.mark.parametrize("off", [{"enabled": False}, {"backend": "none"}])
async def test_vectors_can_be_switched_off_and_it_is_said(house, off):
    async with house(tables={"vector_db": off}) as home:
        await home.remember("words only")
        answer = await home.service.search(await home.scope(), SearchQuery(terms=("words",)))
        assert answer.degraded
        assert "switched off" in answer.reason
        assert await home.service.vectors.waiting() == 0


async def test_the_environment_wins_and_lancedb_is_the_default_name(house, shelf, stand_in):
    others = [stand_in(shelf, name=name) for name in ("sqlitevec", "lancedb")]
    async with house(*others) as home:
        assert home.service.vectors.backend == "lancedb"
    async with house(*others[:1]) as home:
        assert home.service.vectors.backend == "sqlitevec"
    async with house(
        *others, tables={"vector_db": {"backend": "lancedb"}}, environ={"SYMBIONT_VECTOR_BACKEND": "sqlitevec"}
    ) as home:
        assert home.service.vectors.backend == "sqlitevec"


class TestTheStandInIsATrueStore(VectorStoreContract):
    """The stand-in passes the contract, so that what holds over it holds over any backend."""

    name = "shelf"

    @pytest.fixture(autouse=True)
    def _plugin(self, shelf, stand_in):
        self.plugin = stand_in(shelf)
        assert VectorBackendFailed.code


async def test_a_full_disk_loses_nothing_that_was_acknowledged(house, monkeypatch):
    from symbi.contracts.errors import StoreFull

    async with house() as home:
        kept = await home.remember("before the disk was full")
        write = home.kernel.store.write

        async def full(*arguments, **named):
            raise StoreFull("the disk is full", hint="free some space")

        monkeypatch.setattr(home.kernel.store, "write", full)
        with pytest.raises(StoreFull):
            await home.remember("too much")
        assert await home.found("disk", query_type="similarity", threshold=0.5) == ["before the disk was full"]
        monkeypatch.setattr(home.kernel.store, "write", write)
        assert await settled(home) == [kept.id]
        assert await home.found("too much", query_type="keyword") == []
