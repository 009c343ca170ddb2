"""Rows and vectors are one transaction (CTX-4), and what is in memory follows every write, whoever made it."""

from __future__ import annotations

import random

import pytest

from symbi.contracts.vectors import TransactionalVectorStore, VectorRecord
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.vectors import a_scope, a_vector
from symbi_sqlitevec import plugin


def record(number):
    return VectorRecord(id=f"id-{number}", vector=a_vector(number), created_at=number)


async def test_ctx_4_a_vector_is_undone_with_its_row(make_kernel):
    async with make_kernel([plugin]) as kernel, kernel.open(VECTOR_BACKENDS, "sqlitevec") as store:
        assert isinstance(store, TransactionalVectorStore)
        await store.ensure("c", dimension=16, model="m")
        await store.upsert("c", [record(1)], scope=a_scope())

        def half(conn):
            store.upsert_in(conn, "c", [record(2)], scope=a_scope())
            assert store.delete_in(conn, "c", ["id-1"], scope=a_scope()) == 1
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await kernel.store.write(half)
        found = await store.search("c", a_vector(1), scope=a_scope(), limit=5)
        assert [hit.id for hit in found] == ["id-1"]


@pytest.mark.parametrize("seed", range(3))
async def test_two_openings_see_each_others_writes(make_kernel, seed):
    draw = random.Random(seed)
    async with (
        make_kernel([plugin]) as kernel,
        kernel.open(VECTOR_BACKENDS, "sqlitevec") as one,
        kernel.open(VECTOR_BACKENDS, "sqlitevec") as two,
    ):
        await one.ensure("c", dimension=16, model="m")
        present = set()
        for _ in range(60):
            writer, reader = (one, two) if draw.random() < 0.5 else (two, one)
            number = draw.randrange(12)
            if draw.random() < 0.6:
                await writer.upsert("c", [record(number)], scope=a_scope())
                present.add(number)
            else:
                assert await writer.delete("c", [f"id-{number}"], scope=a_scope()) == (number in present)
                present.discard(number)
            found = await reader.search("c", a_vector(3), scope=a_scope(), limit=50)
            assert {hit.id for hit in found} == {f"id-{each}" for each in present}


async def test_ctx_23_deleted_vectors_are_gone_from_the_files(make_kernel, tmp_path):
    marker = VectorRecord(id="id-marked", vector=a_vector(5), document="f3c1-marked-document")
    async with make_kernel([plugin]) as kernel, kernel.open(VECTOR_BACKENDS, "sqlitevec") as store:
        await store.ensure("c", dimension=16, model="m")
        await store.upsert("c", [marker, record(1)], scope=a_scope())
        assert any(b"f3c1-marked" in path.read_bytes() for path in (tmp_path / "data").glob("symbi.db*"))
        await store.delete("c", ["id-marked"], scope=a_scope())
        await store.optimize("c", erase=True)
        assert not any(b"f3c1-marked" in path.read_bytes() for path in (tmp_path / "data").glob("symbi.db*"))


async def test_a_collection_that_another_opening_made_anew_is_noticed(make_kernel):
    async with (
        make_kernel([plugin]) as kernel,
        kernel.open(VECTOR_BACKENDS, "sqlitevec") as one,
        kernel.open(VECTOR_BACKENDS, "sqlitevec") as two,
    ):
        await one.ensure("c", dimension=16, model="m")
        await one.upsert("c", [record(1)], scope=a_scope())
        assert len(await two.search("c", a_vector(1), scope=a_scope(), limit=5)) == 1
        await one.drop("c")
        await one.ensure("c", dimension=16, model="n")
        await one.upsert("c", [record(2)], scope=a_scope())
        assert [hit.id for hit in await two.search("c", a_vector(1), scope=a_scope(), limit=5)] == ["id-2"]
        await one.drop("c")
        await one.ensure("c", dimension=8, model="o")
        assert await two.search("c", a_vector(1, dimension=8), scope=a_scope(), limit=5) == []
