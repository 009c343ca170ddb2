"""Memory with the real backends, the real model, the real gate: isolation, moving, crashes, and a golden set of questions (issue 12, CTX-46)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from symbi.contracts.context import ContextService, Forget, NewDocument, NewMemory, SearchQuery
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.vectors import SHARED
from symbi.testing.apps import open_app

ROOT = Path(__file__).parents[2]
BACKENDS = {
    "sqlitevec": {},
    "lancedb": {},
    "qdrant": {"plugins": {"qdrant": {"path": "points"}}},
}
PLUGINS = [
    "symbi_context.plugin",
    "symbi_embed.plugin",
    "symbi_sqlitevec.plugin",
    "symbi_lancedb.plugin",
    "symbi_qdrant.plugin",
]
GATED = ["symbi_policy.plugin", "symbi_cedar.plugin", "symbi_audit.plugin"]


def tables_of(backend, folder, **more):
    tables = {"vector_db": {"backend": backend}, **more}
    plugins = {**BACKENDS[backend].get("plugins", {}), **tables.get("plugins", {})}
    if "qdrant" in plugins:
        plugins["qdrant"] = {"path": str(folder / "points")}
    return {**tables, "plugins": plugins} if plugins else tables


@pytest.fixture(params=sorted(BACKENDS))
def backend(request):
    return request.param


@pytest.fixture
def memory(make_kernel, tmp_path):
    @asynccontextmanager
    async def opened(backend, *plugins, **more):
        async with make_kernel([*PLUGINS, *plugins], tables=tables_of(backend, tmp_path, **more)) as kernel:
            yield kernel.services.get(ContextService), kernel

    return opened


async def remember(service, agent, text, **more):
    scope = await service.scope(agent, principal=LOCAL_ADMIN)
    return await service.remember(scope, NewMemory(text=text, **more), principal=LOCAL_ADMIN)


async def found(service, agent, text, **more):
    scope = await service.scope(agent, principal=LOCAL_ADMIN)
    answer = await service.search(scope, SearchQuery(terms=(text,), **more))
    assert not answer.degraded, answer.reason
    return [hit.item.text for hit in answer.hits]


async def test_meaning_is_found_on_every_backend_and_nobody_elses(memory, backend):
    async with memory(backend) as (service, _):
        await remember(service, "a", "The cat sleeps on the warm windowsill")
        await remember(service, "a", "Invoices are paid at the end of the month")
        await remember(service, "b", "The cat sleeps on the warm windowsill")
        for agent in ("a", "b"):
            assert (await found(service, agent, "a feline is napping", query_type="similarity"))[0].startswith(
                "The cat"
            )
        assert len(await found(service, "a", "a feline is napping", query_type="hybrid", threshold=0.6)) == 1
        assert await found(service, "c", "a feline is napping") == []
    async with memory(backend) as (service, _):
        scope = await service.scope("a", principal=LOCAL_ADMIN)
        proof = await service.forget(scope, Forget(everything=True), principal=LOCAL_ADMIN)
        assert proof.complete
        assert proof.removed["vectors"] == 2
        assert await found(service, "a", "a feline is napping") == []
        assert len(await found(service, "b", "a feline is napping")) == 1


async def test_vectors_move_from_one_backend_to_the_next(tmp_path):
    from symbi.testing.kernels import open_kernel

    async with open_app(tmp_path, PLUGINS, tables=tables_of("sqlitevec", tmp_path)) as app:
        for number in range(5):
            body = {"agent": "a", "text": f"thing number {number} is kept"}
            assert (await app.client.post("/context/memories", json=body)).status_code == 200
        page = (await app.client.post("/context/move", json={"to": "lancedb"})).json()
        assert (page["moved"], page["next"], page["total"]) == (5, "", 5)
    async with open_kernel(tmp_path, PLUGINS, tables=tables_of("lancedb", tmp_path)) as kernel:
        service = kernel.services.get(ContextService)
        assert len(await found(service, "a", "thing number 3 is kept", query_type="similarity")) == 5
        assert await service.vectors.waiting() == 0


KILLED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_system_context import PLUGINS, remember, tables_of
from symbi.contracts.context import ContextService
from symbi.testing.kernels import open_kernel
async def main(folder, backend):
    async with open_kernel(folder, PLUGINS, tables=tables_of(backend, folder)) as kernel:
        service = kernel.services.get(ContextService)
        number = 0
        while True:
            await remember(service, "a", f"remark number {{number}} of many")
            print(number, flush=True)
            number += 1
asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize("backend", ["sqlitevec", "lancedb"])
async def test_ctx_4_after_a_kill_rows_and_vectors_are_equal_again(memory, backend, tmp_path):
    code = KILLED.format(here=str(Path(__file__).parent))
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), backend], stdout=subprocess.PIPE, text=True)
    said = [int(process.stdout.readline()) for _ in range(12)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    async with memory(backend) as (service, _):
        await service.vectors.drain()
        await service.vectors.ready()
        stats = await service.stats()
        assert stats["vectors_waiting"] == 0
        assert stats["vectors"] == stats["memories"] >= len(said)
        assert (
            len(await found(service, "a", "remark number of many", query_type="similarity", limit=100))
            == stats["memories"]
        )


POLICY = """
@id("clerk-knows-what-is-public")
permit (principal == Symbi::Agent::"clerk", action == Symbi::Action::"knowledge_read", resource)
when { resource has level && resource.level == "public" };
"""


async def test_ctx_41_cedar_decides_which_levels_an_agent_reads(memory, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "knowledge.cedar").write_text(POLICY)
    policy = {"directory": str(tmp_path / "policies"), "watch": False}
    async with memory("sqlitevec", *GATED, policy=policy) as (service, _):
        pool = await service.operator_scope(SHARED, principal=LOCAL_ADMIN)
        for level in ("public", "secret"):
            document = NewDocument(uri=f"{level}.md", content=f"The {level} harbour plan.", level=level)
            await service.ingest(pool, document, principal=LOCAL_ADMIN)
        seen = {}
        for agent in ("clerk", "stranger"):
            answer = await service.retrieve(await service.scope(agent, principal=LOCAL_ADMIN), "harbour plan")
            seen[agent] = [passage.level for passage in answer.passages]
        assert seen == {"clerk": ["public"], "stranger": []}
        everything = await service.retrieve(
            await service.operator_scope("clerk", principal=LOCAL_ADMIN), "harbour plan"
        )
        assert {passage.level for passage in everything.passages} == {"public", "secret"}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("embedder", "least"), [("minilm", 0.8), ("none", 0.5)])
async def test_ctx_46_questions_about_our_own_documents_are_answered(memory, embedder, least):
    questions = json.loads((ROOT / "benchmarks" / "context_golden.json").read_text())
    assert len(questions) >= 50
    async with memory("sqlitevec", context={"embedder": embedder}) as (service, _):
        scope = await service.scope(SHARED, principal=LOCAL_ADMIN)
        for path in sorted((ROOT / "docs").rglob("*.md")):
            document = NewDocument(uri=path.relative_to(ROOT).as_posix(), content=path.read_text())
            await service.ingest(scope, document, principal=LOCAL_ADMIN)
        hits, missed = 0, []
        for question, wanted in questions:
            answer = await service.retrieve(scope, question, limit=5)
            good = bool({passage.uri for passage in answer.passages} & set(wanted))
            hits += good
            if not good:
                missed.append((question, [passage.uri for passage in answer.passages]))
        assert hits / len(questions) >= least, missed
        print(f"{embedder}: recall@5 {hits / len(questions):.2f}", missed)
