"""Memory: vector search through our layer beside the bare library, search of 10,000 memories, ingest with MiniLM.

`python -m benchmarks.context [--vectors 100000] [--memories 10000] [--backends sqlitevec,lancedb] [--index]
[--parts search,memories,ingest] [--json]`
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.store import report
from symbi.contracts.context import ContextService, MemoryItem, NewDocument, SearchQuery
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.vectors import Scope, VectorRecord
from symbi.kernel.points import EMBEDDERS, VECTOR_BACKENDS
from symbi.testing.kernels import open_kernel
from symbi_context import rows

DIMENSION = 384
PLUGINS = ["symbi_context.plugin", "symbi_embed.plugin", "symbi_sqlitevec.plugin", "symbi_lancedb.plugin"]
NOUNS = [
    "harbour",
    "ship",
    "sail",
    "rope",
    "anchor",
    "tide",
    "chart",
    "lamp",
    "crew",
    "captain",
    "storm",
    "bridge",
    "cargo",
    "ledger",
    "port",
    "buoy",
    "mast",
    "deck",
    "engine",
    "pump",
]
VERBS = [
    "holds",
    "moves",
    "needs",
    "leaves",
    "finds",
    "guards",
    "measures",
    "repairs",
    "paints",
    "sells",
    "loads",
    "counts",
    "follows",
    "fears",
]


def sentence(draw: random.Random) -> str:
    """Return some words that differ from one to the next."""
    return " ".join(
        f"the {draw.choice(NOUNS)} {draw.choice(VERBS)} the {draw.choice(NOUNS)} {draw.randrange(1000)}"
        for _ in range(2)
    )


def clustered(count: int, seed: int = 7) -> np.ndarray:
    """Return vectors in clusters, as embeddings are."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(200, DIMENSION)).astype(np.float32)
    found = centres[draw.integers(0, 200, count)] + 0.6 * draw.normal(size=(count, DIMENSION)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


async def timed(call: Any, queries: Any) -> list[float]:
    """Return the milliseconds of each call, the first (which loads) left out."""
    await call(queries[0])
    times = []
    for query in queries:
        began = time.perf_counter()
        await call(query)
        times.append((time.perf_counter() - began) * 1000)
    return times


def p(times: list[float], share: float) -> float:
    """Return a quantile."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


async def search_speed(folder: Path, backend: str, count: int, *, index: bool, queries: int = 60) -> dict[str, Any]:
    """Return p50 of ours and of the bare library over the same vectors, and recall@10 of ours."""
    vectors = clustered(count)
    asked = clustered(queries, seed=11)
    exact = np.argsort(-(asked @ vectors.T), axis=1)[:, :10]
    scope = Scope(tenant="t", agent="a")
    async with (
        open_kernel(folder, PLUGINS, tables={"plugins": {"lancedb": {"index_rows": 1 if index else 0}}}) as kernel,
        kernel.open(VECTOR_BACKENDS, backend) as store,
    ):
        await store.ensure("bench", dimension=DIMENSION, model="m")
        began = time.perf_counter()
        for start in range(0, count, 5000):
            part = [
                VectorRecord(id=str(start + n), vector=array("f", row.tobytes()))
                for n, row in enumerate(vectors[start : start + 5000])
            ]
            await store.upsert("bench", part, scope=scope)
        inserted = time.perf_counter() - began
        await store.optimize("bench")

        async def ours(query: Any) -> Any:
            return await store.search("bench", array("f", query.tobytes()), scope=scope, limit=10)

        times = await timed(ours, asked)
        good = 0
        for query, best in zip(asked, exact, strict=True):
            good += len({int(hit.id) for hit in await ours(query)} & {int(each) for each in best})
        bare = await timed(await bare_search(folder, backend, vectors, index=index), asked)
    return {
        "ours_p50_ms": statistics.median(times), "bare_p50_ms": statistics.median(bare),
        "ratio": statistics.median(times) / statistics.median(bare), "recall_at_10": good / (10 * queries), "inserts_per_s": count / inserted,
    }  # fmt: skip


async def bare_search(folder: Path, backend: str, vectors: np.ndarray, *, index: bool) -> Any:
    """Return the same search without us: the matrix in memory for numpy, the library's own table for LanceDB."""
    if backend == "sqlitevec":

        async def by_numpy(query: Any) -> Any:
            scores = vectors @ query
            best = np.argpartition(scores, -10)[-10:]
            return best[np.argsort(-scores[best])]

        return by_numpy
    import lancedb

    database = await lancedb.connect_async(str(folder / "data" / "vectors" / "lancedb"))
    table = await database.open_table("bench")

    async def by_lance(query: Any) -> Any:
        asked = (
            table.vector_search(query)
            .distance_type("cosine")
            .where("tenant = 't' AND agent = 'a'")
            .select(["id", "_distance"])
            .limit(10)
        )
        if index:
            asked = asked.refine_factor(5).ef(1000)
        return (await asked.to_arrow()).to_pydict()

    return by_lance


async def memory_speed(folder: Path, count: int, queries: int = 60) -> dict[str, Any]:
    """Return p95 of keyword and of hybrid search (with the query's embedding) over one agent's memories."""
    draw = random.Random(3)
    async with open_kernel(folder, PLUGINS, tables={"vector_db": {"backend": "sqlitevec"}}) as kernel:
        service: Any = kernel.services.get(ContextService)
        scope = await service.scope("a", principal=LOCAL_ADMIN)
        ready = await service.vectors.ready()
        made = [
            MemoryItem(
                id=f"m{n}",
                kind="memory",
                agent="a",
                text=sentence(draw),
                type="factual",
                importance=0.5,
                level="public",
                created_at=n,
                accessed_at=n,
            )
            for n in range(count)
        ]
        vectors = clustered(count)
        await kernel.store.write(rows.add, [rows.values_of(item, tenant=scope.tenant) for item in made])
        for start in range(0, count, 5000):
            part = [
                VectorRecord(id=f"m{start + n}", vector=array("f", row.tobytes()))
                for n, row in enumerate(vectors[start : start + 5000])
            ]
            await ready.store.upsert(ready.collection, part, scope=scope)
        figures = {}
        for mode in ("keyword", "hybrid"):
            asked = [sentence(draw) for _ in range(queries)]
            times = await timed(
                lambda text, mode=mode: service.search(scope, SearchQuery(query_type=mode, terms=(text,))), asked
            )
            figures |= {f"{mode}_p50_ms": statistics.median(times), f"{mode}_p95_ms": p(times, 0.95)}
        began = time.perf_counter()
        from symbi.contracts.context import NewMemory

        for _ in range(20):
            await service.remember(scope, NewMemory(text=sentence(draw)), principal=LOCAL_ADMIN)
        figures["remember_ms"] = (time.perf_counter() - began) * 50
    return figures


async def ingest_speed(folder: Path) -> dict[str, Any]:
    """Return chunks a second from text to searchable, with MiniLM; and the bare model on the same texts."""
    draw = random.Random(5)
    figures = {}
    async with open_kernel(folder, PLUGINS, tables={"vector_db": {"backend": "sqlitevec"}}) as kernel:
        service: Any = kernel.services.get(ContextService)
        scope = await service.scope("a", principal=LOCAL_ADMIN)
        async with kernel.open(EMBEDDERS, "minilm") as model:
            await model.embed(["warm"])
            for label, words in (("short", 12), ("full", 110)):
                texts = [" ".join(sentence(draw).split() * 20)[: words * 6] for _ in range(96)]
                began = time.perf_counter()
                await model.embed(texts)
                figures[f"model_{label}_texts_per_s"] = len(texts) / (time.perf_counter() - began)
        await service.ingest(scope, NewDocument(uri="warm", content="warm"), principal=LOCAL_ADMIN)
        text = "\n\n".join(" ".join(sentence(draw) for _ in range(11)) for _ in range(96))
        began = time.perf_counter()
        result = await service.ingest(scope, NewDocument(uri="doc.txt", content=text), principal=LOCAL_ADMIN)
        figures |= {"chunks": result.chunks, "chunks_per_s": result.chunks / (time.perf_counter() - began)}
        began = time.perf_counter()
        await service.ingest(scope, NewDocument(uri="doc.txt", content=text), principal=LOCAL_ADMIN)
        figures["unchanged_ms"] = (time.perf_counter() - began) * 1000
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--backends", default="sqlitevec,lancedb")
    parser.add_argument("--index", action="store_true", help="let LanceDB build its index first")
    parser.add_argument("--parts", default="search,memories,ingest")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    parts = options.parts.split(",")
    for backend in options.backends.split(",") if "search" in parts else ():
        with tempfile.TemporaryDirectory() as name:
            results[backend] = asyncio.run(search_speed(Path(name), backend, options.vectors, index=options.index))
    if "memories" in parts:
        with tempfile.TemporaryDirectory() as name:
            results["memories"] = asyncio.run(memory_speed(Path(name), options.memories))
    if "ingest" in parts:
        with tempfile.TemporaryDirectory() as name:
            results["ingest"] = asyncio.run(ingest_speed(Path(name)))
    report(results, as_json=options.json)


if __name__ == "__main__":
    main()
