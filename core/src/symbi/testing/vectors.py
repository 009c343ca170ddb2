"""The contract of vector stores: subclass it with `plugin` and `name`, and give `tables` where the backend needs settings."""

from __future__ import annotations

import random
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.errors import ConfigError, InvalidRequest
from symbi.contracts.vectors import EmbeddingMismatch, Grant, Scope, VectorRecord, VectorStore
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.kernels import open_kernel

__all__ = ["VectorStoreContract", "a_scope", "a_vector"]

_ID = "00000000-0000-4000-8000-00000000000"
_DIMENSION = 16


def a_vector(seed: int, *, near: int | None = None, dimension: int = _DIMENSION) -> array[float]:
    """Return a vector of length 1 that only `seed` decides; with `near`, one close to that of another seed."""
    draw = random.Random(seed)
    values = [draw.gauss(0, 1) for _ in range(dimension)]
    if near is not None:
        values = [0.1 * mine + theirs for mine, theirs in zip(values, a_vector(near, dimension=dimension), strict=True)]
    length = sum(value * value for value in values) ** 0.5
    return array("f", [value / length for value in values])


def a_scope(agent: str = "agent-a", **more: Any) -> Scope:
    """Return a scope of the tenant `t`."""
    return Scope(tenant=more.pop("tenant", "t"), agent=agent, **more)


def _record(number: int, **more: Any) -> VectorRecord:
    return VectorRecord(id=more.pop("id", f"{_ID}{number}"), vector=more.pop("vector", a_vector(number)), **more)


class VectorStoreContract:
    """What every backend must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The backend's name."""
    tables: Mapping[str, Any] = {}
    """Settings, as in `symbi.toml`."""
    durable = True
    """Whether another opening finds what an earlier one wrote."""

    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[VectorStore]:
        """Open the backend over the test's folder with an empty collection `c`."""
        async with (
            open_kernel(folder, [self.plugin], tables=self.tables) as kernel,
            kernel.open(VECTOR_BACKENDS, self.name) as store,
        ):
            await store.ensure("c", dimension=_DIMENSION, model="m")
            yield store

    async def test_ctx_1_a_call_without_scope_raises(self, tmp_path: Path) -> None:
        """There is no default that means everybody."""
        async with self.opened(tmp_path) as store:
            for call in (
                lambda: store.search("c", a_vector(1), limit=1),  # type: ignore[call-arg]  # what is being tested
                lambda: store.upsert("c", []),  # type: ignore[call-arg]
                lambda: store.get("c", []),  # type: ignore[call-arg]
                lambda: store.delete("c", []),  # type: ignore[call-arg]
                lambda: store.count("c"),  # type: ignore[call-arg]
            ):
                with pytest.raises(TypeError):
                    await call()
            for wrong in ({"agent": ""}, {"agent": "a", "tenant": ""}, {"agent": "a\0b"}):
                with pytest.raises(InvalidRequest):
                    a_scope(**wrong)

    async def test_ctx_1_what_one_agent_wrote_another_cannot_find(self, tmp_path: Path) -> None:
        """Identical vectors, other agent or other tenant: nothing by search, get, count or delete."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1)], scope=a_scope())
            for foreign in (a_scope("agent-b"), a_scope(tenant="u"), a_scope("agent-a'b"), a_scope("%")):
                assert await store.search("c", a_vector(1), scope=foreign, limit=5) == []
                assert await store.get("c", [f"{_ID}1"], scope=foreign) == []
                assert await store.count("c", scope=foreign) == 0
                assert await store.delete("c", [f"{_ID}1"], scope=foreign) == 0
            assert [hit.id for hit in await store.search("c", a_vector(1), scope=a_scope(), limit=5)] == [f"{_ID}1"]

    async def test_ctx_2_filters_narrow_and_never_widen(self, tmp_path: Path) -> None:
        """Naming another agent or tenant in a filter finds nothing; so does anything that looks like a condition."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1)], scope=a_scope())
            await store.upsert("c", [_record(2)], scope=a_scope("agent-b"))
            probes: list[dict[str, Any]] = [
                {"agent": "agent-a"},
                {"agent": ["agent-a", "agent-b"], "tenant": "u"},
                {"kind": "x' OR '1'='1"},
                {"kind": []},
            ]
            for filters in probes:
                assert await store.search("c", a_vector(1), scope=a_scope("agent-b"), limit=5, filters=filters) == []
            own = {"agent": ["agent-a", "agent-b"]}
            assert [
                hit.agent
                for hit in await store.search("c", a_vector(1), scope=a_scope("agent-b"), limit=5, filters=own)
            ] == ["agent-b"]
            for unknown in ({"agent_id": "agent-a"}, {"level": "high"}, {"kind": 3}):
                with pytest.raises(InvalidRequest):
                    await store.search("c", a_vector(1), scope=a_scope("agent-b"), limit=5, filters=unknown)

    async def test_filters_choose_by_every_attribute(self, tmp_path: Path) -> None:
        """Kind, type, session, document, level and time."""
        async with self.opened(tmp_path) as store:
            first = _record(1, kind="memory", type="factual", session="s1", document="d1", level=0, created_at=100)
            second = _record(2, kind="chunk", type="semantic", session="s2", document="d'2", level=2, created_at=200)
            await store.upsert("c", [first, second], scope=a_scope())
            wanted: list[tuple[dict[str, Any], int]] = [
                ({"kind": "memory"}, 1), ({"type": ["semantic", "other"]}, 2), ({"session": "s2"}, 2), ({"document": "d'2"}, 2),
                ({"level": 1}, 1), ({"since": 101}, 2), ({"until": 199}, 1), ({"since": 100, "until": 100}, 1),
            ]  # fmt: skip
            for filters, number in wanted:
                hits = await store.search("c", a_vector(3), scope=a_scope(), limit=5, filters=filters)
                assert [hit.id for hit in hits] == [f"{_ID}{number}"], filters

    async def test_a_session_narrows_to_itself_and_what_has_none(self, tmp_path: Path) -> None:
        """Other sessions stay unseen."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1, session="s1"), _record(2, session="s2"), _record(3)], scope=a_scope())
            hits = await store.search("c", a_vector(1), scope=a_scope(session="s1"), limit=5)
            assert {hit.id for hit in hits} == {f"{_ID}1", f"{_ID}3"}

    async def test_ctx_24_grants_show_only_what_they_name(self, tmp_path: Path) -> None:
        """Single ids or all, up to a level, of one owner of the same tenant; writing through a grant is impossible."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1), _record(2, level=3), _record(3)], scope=a_scope())
            one = a_scope("agent-b", grants=(Grant(agent="agent-a", ids=(f"{_ID}1", f"{_ID}2"), level=1),))
            assert [hit.id for hit in await store.search("c", a_vector(1), scope=one, limit=5)] == [f"{_ID}1"]
            assert {record.id for record in await store.get("c", [f"{_ID}{n}" for n in (1, 2, 3)], scope=one)} == {
                f"{_ID}1"
            }
            every = a_scope("agent-b", grants=(Grant(agent="agent-a", level=3),))
            assert len(await store.search("c", a_vector(1), scope=every, limit=5)) == 3
            assert await store.delete("c", [f"{_ID}1"], scope=every) == 0
            nothing = a_scope("agent-b", grants=(Grant(agent="agent-a", ids=(), level=3),))
            assert await store.search("c", a_vector(1), scope=nothing, limit=5) == []
            elsewhere = a_scope("agent-b", tenant="u", grants=(Grant(agent="agent-a", level=3),))
            assert await store.search("c", a_vector(1), scope=elsewhere, limit=5) == []

    async def test_ctx_3_ids_are_stable_and_an_upsert_replaces(self, tmp_path: Path) -> None:
        """What was written is what search, get and delete call it; a second write of an id leaves one; another owner's equal id stays."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1, type="old"), _record(2)], scope=a_scope())
            await store.upsert("c", [_record(1, vector=a_vector(9))], scope=a_scope("agent-b"))
            await store.upsert(
                "c",
                [_record(1, vector=a_vector(7), type="new"), _record(1, vector=a_vector(8), type="newest")],
                scope=a_scope(),
            )
            assert await store.count("c", scope=a_scope()) == 2
            assert await store.total("c") == 3
            [found] = await store.get("c", [f"{_ID}1", f"{_ID}5"], scope=a_scope())
            assert (found.id, found.type) == (f"{_ID}1", "newest")
            assert list(found.vector) == pytest.approx(list(a_vector(8)), abs=1e-5)
            [hit] = await store.search("c", a_vector(9), scope=a_scope("agent-b"), limit=5)
            assert hit.id == f"{_ID}1"
            assert hit.similarity == pytest.approx(1.0, abs=1e-4)
            assert await store.delete("c", [f"{_ID}1", f"{_ID}5", f"{_ID}1"], scope=a_scope()) == 1
            assert await store.get("c", [f"{_ID}1"], scope=a_scope()) == []
            assert len(await store.get("c", [f"{_ID}1"], scope=a_scope("agent-b"))) == 1

    async def test_the_nearest_come_first_and_none_below_the_minimum(self, tmp_path: Path) -> None:
        """Cosines are right, sorted and bounded; vectors need not have length 1."""
        async with self.opened(tmp_path) as store:
            wide = array("f", [5 * value for value in a_vector(1)])
            await store.upsert(
                "c",
                [
                    _record(1, vector=wide),
                    _record(2, vector=a_vector(2, near=1)),
                    _record(3, vector=array("f", [-v for v in wide])),
                ],
                scope=a_scope(),
            )
            hits = await store.search("c", a_vector(1), scope=a_scope(), limit=5)
            assert [hit.id for hit in hits] == [f"{_ID}{n}" for n in (1, 2, 3)]
            assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
            assert hits[0].similarity == pytest.approx(1.0, abs=1e-4)
            assert hits[2].similarity == pytest.approx(-1.0, abs=1e-4)
            assert len(await store.search("c", a_vector(1), scope=a_scope(), limit=5, minimum=0.5)) == 2
            assert len(await store.search("c", a_vector(1), scope=a_scope(), limit=1)) == 1
            assert await store.search("c", a_vector(1), scope=a_scope(), limit=0) == []

    async def test_ctx_30_another_model_or_dimension_is_refused(self, tmp_path: Path) -> None:
        """Vectors are never mixed, and bad ones never kept; a batch with one bad vector writes nothing."""
        async with self.opened(tmp_path) as store:
            for dimension, model in ((_DIMENSION, "other"), (8, "m")):
                with pytest.raises(EmbeddingMismatch, match="reembed"):
                    await store.ensure("c", dimension=dimension, model=model)
            bad = [
                a_vector(1, dimension=8),
                array("f", [0.0] * _DIMENSION),
                array("f", [float("nan")] * _DIMENSION),
                array("f", [float("inf")] * _DIMENSION),
            ]
            for vector in bad:
                with pytest.raises(InvalidRequest):
                    await store.upsert("c", [_record(2), _record(1, vector=vector)], scope=a_scope())
            assert await store.total("c") == 0
            with pytest.raises(InvalidRequest):
                await store.search("c", a_vector(1, dimension=8), scope=a_scope(), limit=1)

    async def test_collections_are_apart_and_a_missing_one_is_empty(self, tmp_path: Path) -> None:
        """`info`, `total`, `drop` and searches of what is not there."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1)], scope=a_scope())
            found = await store.ensure("d", dimension=8, model="n")
            assert (found.name, found.dimension, found.model, found.count) == ("d", 8, "n", 0)
            assert await store.search("d", a_vector(1, dimension=8), scope=a_scope(), limit=5) == []
            info = await store.info("c")
            assert info is not None
            assert (info.dimension, info.model, info.count) == (_DIMENSION, "m", 1)
            await store.drop("c")
            await store.drop("c")
            assert await store.info("c") is None
            assert await store.search("c", a_vector(1), scope=a_scope(), limit=5) == []
            assert await store.total("c") == 0
            assert await store.info("d") is not None

    async def test_export_and_restore_move_everything(self, tmp_path: Path) -> None:
        """Page by page, owners and attributes included."""
        async with self.opened(tmp_path) as store:
            await store.upsert(
                "c", [_record(n, kind="chunk", document="d", level=2, created_at=5) for n in range(5)], scope=a_scope()
            )
            await store.upsert("c", [_record(1)], scope=a_scope("agent-b"))
            pages, after = [], ""
            while True:
                page, after = await store.export("c", after=after, limit=2)
                pages += page
                if not after:
                    break
            assert len({(each.agent, each.record.id) for each in pages}) == len(pages) == 6
            await store.ensure("copy", dimension=_DIMENSION, model="m")
            await store.restore("copy", pages)
            assert await store.count("copy", scope=a_scope()) == 5
            [found] = await store.get("copy", [f"{_ID}4"], scope=a_scope())
            assert (found.kind, found.document, found.level, found.created_at) == ("chunk", "d", 2, 5)
            assert await store.total("copy") == 6

    async def test_ctx_4_what_was_acknowledged_survives(self, tmp_path: Path) -> None:
        """Another opening finds the collection, its model and its records."""
        if not self.durable:
            pytest.skip(reason="this configuration keeps nothing by intention")
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(1)], scope=a_scope())
        async with self.opened(tmp_path) as store:
            info = await store.info("c")
            assert info is not None
            assert (info.count, info.model) == (1, "m")
            assert len(await store.search("c", a_vector(1), scope=a_scope(), limit=5)) == 1

    async def test_optimizing_changes_nothing_that_is_found(self, tmp_path: Path) -> None:
        """Neither for order nor for erasure; health is good."""
        async with self.opened(tmp_path) as store:
            await store.upsert("c", [_record(n) for n in range(9)], scope=a_scope())
            await store.delete("c", [f"{_ID}3"], scope=a_scope())
            before = await store.search("c", a_vector(1), scope=a_scope(), limit=20)
            await store.optimize("c")
            await store.optimize("c", erase=True)
            assert [hit.id for hit in await store.search("c", a_vector(1), scope=a_scope(), limit=20)] == [
                hit.id for hit in before
            ]
            assert (await store.health()).state == "healthy"

    async def test_unknown_settings_are_refused(self, tmp_path: Path) -> None:
        """A setting that it does not know is an error that names it."""
        async with open_kernel(tmp_path, [self.plugin]) as kernel:
            with pytest.raises(ConfigError, match="surely_unknown"):
                async with kernel.open(VECTOR_BACKENDS, self.name, {"surely_unknown": 1}):
                    pass
