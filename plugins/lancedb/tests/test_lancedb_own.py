"""What is LanceDB's own: the lazy import, the index, two processes on one folder, a kill in the middle of writing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symbi.contracts.vectors import VectorBackendFailed, VectorRecord
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.vectors import a_scope, a_vector
from symbi_lancedb import plugin

WRITER = Path(__file__).with_name("lancedb_writer.py")


def a_record(number, **more):
    return VectorRecord(id=f"id-{number}", vector=a_vector(number), **more)


def a_writer(own, shared, count):
    command = [sys.executable, str(WRITER), str(own), str(shared), str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_ctx_61_opening_the_backend_imports_no_library(tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
from symbi_lancedb import plugin
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.kernels import open_kernel
async def main():
    async with open_kernel(Path({str(tmp_path)!r}), [plugin]) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        assert (await store.health()).state == "healthy"
asyncio.run(main())
assert not {{"lancedb", "pyarrow", "numpy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_a_large_collection_is_indexed_and_still_exact_enough(make_kernel):
    tables = {"plugins": {"lancedb": {"index_rows": 1000}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        await store.ensure("c", dimension=16, model="m")
        await store.upsert("c", [a_record(number) for number in range(1200)], scope=a_scope())
        await store.upsert("c", [a_record(number) for number in range(300)], scope=a_scope("agent-b"))
        exact = [await store.search("c", a_vector(seed), scope=a_scope(), limit=10) for seed in range(20)]
        await store.optimize("c")
        assert (await store.info("c")).indexed
        found = [await store.search("c", a_vector(seed), scope=a_scope(), limit=10) for seed in range(20)]
        assert all(hit.agent == "agent-a" for hits in found for hit in hits)
        common = sum(len({h.id for h in a} & {h.id for h in b}) for a, b in zip(exact, found, strict=True))
        assert common / 200 >= 0.95
        await store.upsert("c", [a_record(5000)], scope=a_scope())
        assert (await store.search("c", a_vector(5000), scope=a_scope(), limit=1))[0].id == "id-5000"


async def test_the_files_are_put_in_order_in_the_background(make_kernel):
    tables = {"plugins": {"lancedb": {"optimize_writes": 5, "index_rows": 0}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        await store.ensure("c", dimension=16, model="m")
        for number in range(5):
            await store.upsert("c", [a_record(number)], scope=a_scope())
        await store._optimizer
        stats = await (await store._table("c")).stats()
        assert stats["fragment_stats"]["num_fragments"] == 1
        assert await store.total("c") == 5


async def test_two_processes_leave_every_key_once(make_kernel, tmp_path):
    shared = tmp_path / "shared"
    writers = [a_writer(tmp_path / name, shared, 25) for name in ("one", "two")]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(60) for writer in writers] == [0, 0]
    tables = {"plugins": {"lancedb": {"path": str(shared)}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        assert await store.count("c", scope=a_scope()) == 25


async def test_ctx_4_what_was_acknowledged_before_a_kill_is_there(make_kernel, tmp_path):
    shared = tmp_path / "shared"
    writer = a_writer(tmp_path / "one", shared, 1000)
    writer.stdin.write("go\n")
    writer.stdin.flush()
    said = [int(writer.stdout.readline()) for _ in range(8)]
    writer.kill()
    writer.wait()
    tables = {"plugins": {"lancedb": {"path": str(shared)}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        found = await store.get("c", [f"id-{number}" for number in said], scope=a_scope())
        assert len(found) == 8
        await store.upsert("c", [a_record(2000)], scope=a_scope())


async def test_ctx_9_a_folder_that_cannot_be_used_is_an_error(make_kernel, tmp_path):
    (tmp_path / "file").write_text("no folder")
    tables = {"plugins": {"lancedb": {"path": str(tmp_path / "file")}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        with pytest.raises(VectorBackendFailed):
            await store.ensure("c", dimension=16, model="m")


async def test_ctx_5_the_folder_is_its_owners_alone(make_kernel, tmp_path):
    async with make_kernel([plugin]) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        await store.ensure("c", dimension=16, model="m")
    folder = tmp_path / "data" / "vectors" / "lancedb"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "symbi.lock").stat().st_mode & 0o777 == 0o600
