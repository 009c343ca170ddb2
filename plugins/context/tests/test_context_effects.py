"""The effects of agents: remember, recall, forget, in every shape that the language sends, and nothing of another agent's."""

from __future__ import annotations

import pytest

from symbi.contracts.effects import EffectCall
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.offers import load
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.kernel.points import EFFECT_HANDLERS
from symbi.testing.declarations import DeclarationContract
from symbi.testing.effects import EffectHandlerContract, effect_context
from symbi_context import plugin


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestHandlers(EffectHandlerContract):
    plugin = plugin


@pytest.fixture
def ask(tmp_path):
    async def asked(home, kind, name="", *, agent="agent-a", session=None, **arguments):
        context = home.kernel.context_for("context")
        handler = home.kernel.catalogue(EFFECT_HANDLERS)[kind]
        call = EffectCall(seq=1, kind=kind, name=name, arguments=arguments)
        return await load(handler.handle)(call, effect_context(tmp_path, agent_id=agent, session=session), context)

    return asked


async def test_a_text_an_object_and_a_record_are_remembered_and_recalled(house, ask):
    async with house() as home:
        one = await ask(home, "remember", record="the ferry leaves at nine")
        await ask(
            home,
            "remember",
            "trips",
            record={"text": "the bus leaves at ten", "type": "Procedural", "importance": 0.9, "line": 7},
        )
        await ask(home, "remember", record={"customer": "Ann", "city": "Oslo"})
        await ask(home, "remember", record=[1, 2, 3])
        assert one["status"] == "remembered"
        [ferry] = await ask(home, "recall", query="ferry", limit=1)
        assert (ferry["id"], ferry["text"], ferry["own"]) == (one["id"], "the ferry leaves at nine", True)
        [bus] = await ask(home, "recall", "trips", query={"search_terms": ["bus"], "query_type": "keyword"})
        assert (bus["type"], bus["data"]) == ("procedural", {"line": 7})
        [ann] = await ask(home, "recall", query="customer Ann", query_type="keyword", limit=1)
        assert ann["data"] == {"customer": "Ann", "city": "Oslo"}
        assert (await ask(home, "recall", query=["Oslo"], limit=1))[0]["id"] == ann["id"]


async def test_ctx_1_an_agent_recalls_and_forgets_only_its_own(house, ask):
    async with house() as home:
        one = await ask(home, "remember", record="mine alone")
        assert await ask(home, "recall", agent="agent-b", query="mine alone") == []
        assert (await ask(home, "forget", agent="agent-b", id=one["id"]))["forgotten"] == 0
        done = await ask(home, "forget", id=[one["id"]])
        assert (done["forgotten"], done["complete"]) == (1, True)
        assert await ask(home, "recall", query="mine alone") == []


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("remember", {}),
        ("remember", {"record": ""}),
        ("remember", {"record": {}}),
        ("remember", {"record": {"text": "x", "importance": "high"}}),
        ("recall", {"query": ""}),
        ("recall", {"query": "x", "limit": "many"}),
        ("recall", {"query": {"search_terms": "x"}}),
        ("recall", {"query": {"agent_id": "agent-b", "search_terms": ["x"]}}),
        ("forget", {}),
        ("forget", {"id": 7}),
    ],
)
async def test_bad_arguments_are_refused(house, ask, kind, arguments):
    async with house() as home:
        with pytest.raises(InvalidRequest):
            await ask(home, kind, **arguments)


async def test_a_declared_store_brings_its_retention_and_weights(house, ask):
    declared = {
        "name": "notes",
        "key": "a.symbi#notes",
        "agent": None,
        "retention": "2d",
        "retention_seconds": 172800.0,
        "vector_weight": 0.7,
        "keyword_weight": 0.3,
    }
    async with house() as home:
        assert await home.service.reconcile("file:a.symbi", "memory", [declared], owner=LOCAL_ADMIN) == []
        assert (await home.service.declarations.find("notes")).retention_seconds == 172800.0
        await ask(home, "remember", "notes", record="a note about rain")
        assert (await ask(home, "recall", "notes", query="rain"))[0]["text"] == "a note about rain"
        faults = await home.service.reconcile(
            "file:b.symbi", "memory", [{**declared, "key": "b#x", "vector_weight": 3}], owner=LOCAL_ADMIN
        )
        assert faults == ["memory notes: weights must be from 0 to 1"]
        await home.service.reconcile("file:a.symbi", "memory", [], owner=LOCAL_ADMIN)
        assert await home.service.declarations.find("notes") is None


def test_ctx_61_importing_and_opening_memory_loads_nothing_heavy(tmp_path):
    import subprocess
    import sys

    code = f"""
import asyncio, sys
from pathlib import Path
from symbi.testing.kernels import open_kernel
from symbi.contracts.context import ContextService
async def main():
    async with open_kernel(Path({str(tmp_path)!r}), ["symbi_context.plugin"]) as kernel:
        assert (await kernel.services.get(ContextService).health()).state == "degraded"
asyncio.run(main())
assert not {{"lancedb", "pyarrow", "qdrant_client", "onnxruntime", "numpy", "litestar"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
