"""The routes: the seed's search, memories, sharing, blocks, sessions, documents, keeping house; and who may use them (POL-40)."""

from __future__ import annotations

import base64

import pytest

from symbi.contracts.context import ContextService
from symbi.contracts.offers import load
from symbi.kernel.points import METRICS_SOURCES

SEED = {
    "query_type": "keyword",
    "search_terms": ["term1", "term2"],
    "time_range": {"start": "2024-01-01T00:00:00Z", "end": "2034-01-31T23:59:59Z"},
    "memory_types": ["factual", "procedural", "episodic"],
    "relevance_threshold": 0.7,
    "max_results": 10,
}


@pytest.fixture
def app(make_app, shelf, bags, stand_in):
    def opened(*more, **options):
        return make_app(["symbi_context.plugin", stand_in(shelf, bags), *more], **options)

    return opened


async def make(app, text, agent="a1", **more):
    answer = await app.client.post("/context/memories", json={"agent": agent, "text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def test_the_seeds_search_is_taken_as_it_is(app):
    async with app() as home:
        both = await make(home, "term1 and term2 together", type="Factual")
        await make(home, "only term1 here", type="working")
        answer = await home.client.post("/context/search", json={"agent": "a1", **SEED})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        [hit] = body["results"]
        assert (hit["id"], hit["content"], hit["item_type"], hit["relevance_score"]) == (
            both,
            "term1 and term2 together",
            "memory:factual",
            1.0,
        )
        assert hit["timestamp"].endswith("Z")
        assert body["degraded"] is False
        for mode in ("temporal", "similarity", "hybrid"):
            assert (
                await home.client.post("/context/search", json={"agent": "a1", **SEED, "query_type": mode})
            ).status_code == 200
        assert (await home.client.post("/context/search", json={"agent": "a2", **SEED})).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query_type": "odd"}, "query_type"),
        ({"search_terms": "term1"}, "search_terms"),
        ({"time_range": {"start": "2025-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"}}, "time_range"),
        ({"time_range": {"start": "2025-01-01T00:00:00", "end": None}}, "time_range.start"),
        ({"relevance_threshold": 7}, "relevance_threshold"),
        ({"max_results": 0}, "max_results"),
        ({"agent_filter": "a2"}, "agent_filter"),
        ({"agent": None}, "agent"),
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(app, change, field):
    async with app() as home:
        answer = await home.client.post("/context/search", json={"agent": "a1", **SEED, **change})
        assert answer.status_code == 400
        assert set(answer.json()) == {"error", "code", "details"}
        assert field.split(".")[0] in answer.text


async def test_a_memory_is_made_shown_changed_and_erased(app):
    async with app() as home:
        item = await make(home, "the tap drips", importance=0.7)
        where = f"/context/memories/{item}"
        assert (await home.client.get(where, params={"agent": "a1"})).json()["text"] == "the tap drips"
        assert (await home.client.get(where, params={"agent": "a2"})).status_code == 404
        changed = await home.client.patch(where, json={"agent": "a1", "metadata": {"helpful": "yes"}})
        assert changed.json()["metadata"] == {"helpful": "yes"}
        assert len((await home.client.get(f"{where}/history", params={"agent": "a1"})).json()["history"]) == 2
        assert [
            each["id"]
            for each in (await home.client.get("/context/memories", params={"agent": "a1"})).json()["memories"]
        ] == [item]
        proof = (await home.client.delete(where, params={"agent": "a1"})).json()
        assert (proof["erased"], proof["complete"]) == (1, True)
        assert (await home.client.get(where, params={"agent": "a1"})).status_code == 404
        assert (await home.client.post("/context/forget", json={"agent": "a1"})).status_code == 400
        for wrong in (
            {"text": ""},
            {"text": "x", "type": "odd"},
            {"text": "x", "surplus": 1},
            {"text": "x", "importance": 9},
        ):
            assert (await home.client.post("/context/memories", json={"agent": "a1", **wrong})).status_code == 400


async def test_grants_blocks_and_sessions(app, governed, rules_of):
    async with app(governed(rules_of(people=3, others=3))) as home:
        item = await make(home, "shared remark")
        grant = (
            await home.client.post("/context/grants", json={"agent": "a1", "recipient": "a2", "items": [item]})
        ).json()
        found = await home.client.post("/context/search", json={"agent": "a2", "search_terms": ["remark"]})
        assert [hit["agent"] for hit in found.json()["results"]] == ["a1"]
        assert (await home.client.delete(f"/context/grants/{grant['id']}", params={"agent": "a1"})).json()["revoked_at"]
        assert (await home.client.post("/context/search", json={"agent": "a2", "search_terms": ["remark"]})).json()[
            "results"
        ] == []
        put = {"agent": "a1", "text": "kind", "expected": 0}
        assert (await home.client.put("/context/blocks/persona", json=put)).json()["version"] == 1
        assert (await home.client.put("/context/blocks/persona", json=put)).status_code == 409
        assert len((await home.client.get("/context/blocks", params={"agent": "a1"})).json()["blocks"]) == 1
        assert (await home.client.delete("/context/blocks/persona", params={"agent": "a1"})).json()[
            "status"
        ] == "removed"
        line = {"agent": "a1", "role": "user", "text": "good morning"}
        assert (await home.client.post("/context/sessions/s1/lines", json=line)).status_code == 200
        assert (await home.client.post("/context/sessions/s1/lines", json={**line, "role": "king"})).status_code == 400
        assert [
            each["id"]
            for each in (await home.client.get("/context/sessions", params={"agent": "a1"})).json()["sessions"]
        ] == ["s1"]
        lines = await home.client.get("/context/sessions/s1/lines", params={"agent": "a1"})
        assert [each["text"] for each in lines.json()["lines"]] == ["good morning"]


async def test_documents_are_added_listed_retrieved_and_removed(app):
    async with app() as home:
        body = {"uri": "a.md", "content": "# Mast\n\nThe mast is made of oak."}
        assert (await home.client.post("/context/knowledge", json=body)).json()["status"] == "added"
        assert (await home.client.post("/context/knowledge", json=body)).json()["status"] == "unchanged"
        encoded = {"uri": "b.txt", "content_base64": base64.b64encode(b"The sail is white.").decode(), "agent": "a1"}
        assert (await home.client.post("/context/knowledge", json=encoded)).json()["chunks"] == 1
        assert [each["title"] for each in (await home.client.get("/context/knowledge")).json()["documents"]] == ["Mast"]
        found = (await home.client.post("/context/knowledge/search", json={"query": "oak mast", "agent": "a1"})).json()
        assert found["passages"][0]["uri"] == "a.md"
        assert found["prompt"].startswith("<untrusted>")
        assert (await home.client.delete("/context/knowledge", params={"uri": "a.md"})).json()["erased"] == 1
        assert (await home.client.delete("/context/knowledge", params={"uri": "a.md"})).status_code == 404
        for wrong in (
            {"uri": "x"},
            {"uri": "x", "content": "a", "content_base64": "YQ=="},
            {"uri": "x", "content_base64": "!"},
        ):
            assert (await home.client.post("/context/knowledge", json=wrong)).status_code == 400


async def test_pol_40_every_route_needs_a_token_and_asks_the_gate(app, governed, rules_of):
    rules = rules_of(people=-1)
    async with app(governed(rules)) as home:
        calls = [
            ("POST", "/context/search", {"json": {"agent": "a1", "search_terms": ["x"]}}, "memory_read"),
            ("POST", "/context/memories", {"json": {"agent": "a1", "text": "x"}}, "memory_write"),
            ("GET", "/context/memories", {"params": {"agent": "a1"}}, "memory_read"),
            ("GET", "/context/memories/i", {"params": {"agent": "a1"}}, "memory_read"),
            ("GET", "/context/memories/i/history", {"params": {"agent": "a1"}}, "memory_read"),
            ("PATCH", "/context/memories/i", {"json": {"agent": "a1", "text": "x"}}, "memory_write"),
            ("DELETE", "/context/memories/i", {"params": {"agent": "a1"}}, "memory_forget"),
            ("POST", "/context/forget", {"json": {"agent": "a1", "everything": True}}, "memory_forget"),
            ("POST", "/context/grants", {"json": {"agent": "a1", "recipient": "a2"}}, "memory_share"),
            ("GET", "/context/grants", {"params": {"agent": "a1"}}, "memory_read"),
            ("DELETE", "/context/grants/g", {"params": {"agent": "a1"}}, "memory_share"),
            ("GET", "/context/blocks", {"params": {"agent": "a1"}}, "memory_read"),
            ("PUT", "/context/blocks/b", {"json": {"agent": "a1", "text": "x"}}, "memory_write"),
            ("DELETE", "/context/blocks/b", {"params": {"agent": "a1"}}, "memory_forget"),
            ("GET", "/context/sessions", {"params": {"agent": "a1"}}, "memory_read"),
            ("GET", "/context/sessions/s/lines", {"params": {"agent": "a1"}}, "memory_read"),
            (
                "POST",
                "/context/sessions/s/lines",
                {"json": {"agent": "a1", "role": "user", "text": "x"}},
                "memory_write",
            ),
            ("POST", "/context/knowledge", {"json": {"uri": "u", "content": "x"}}, "knowledge_write"),
            ("GET", "/context/knowledge", {}, "knowledge_read"),
            ("DELETE", "/context/knowledge", {"params": {"uri": "u"}}, "knowledge_write"),
            ("POST", "/context/knowledge/search", {"json": {"query": "x"}}, "knowledge_read"),
            ("POST", "/context/archive/i/restore", {"json": {"agent": "a1"}}, "memory_write"),
        ]
        for method, path, options, action in calls:
            assert (await home.anonymous.request(method, path, **options)).status_code == 401, path
            rules.asked.clear()
            answer = await home.client.request(method, path, **options)
            assert (answer.status_code, answer.json()["code"]) == (403, "POLICY_DENIED"), path
            assert [asked for asked, _ in rules.asked] == [action], path
        for method, path in (
            ("GET", "/context/stats"),
            ("POST", "/context/archive"),
            ("POST", "/context/reembed"),
            ("POST", "/context/move"),
        ):
            assert (await home.anonymous.request(method, path)).status_code == 401, path


async def test_vectors_move_page_by_page_and_can_be_made_anew(app, shelf, stand_in):
    other = type(shelf)()
    async with app(stand_in(other, name="other"), tables={"vector_db": {"backend": "shelf"}}) as home:
        for number in range(5):
            await make(home, f"thing {number}")
        after, moved = "", 0
        while True:
            page = (await home.client.post("/context/move", json={"to": "other", "after": after, "limit": 2})).json()
            moved, after = moved + page["moved"], page["next"]
            if not after:
                break
        assert moved == 5
        assert other.collections == shelf.collections
        assert (await home.client.post("/context/move", json={"to": "shelf"})).status_code == 400
        assert (await home.client.post("/context/move", json={"to": "nowhere"})).status_code >= 400
        assert (await home.client.post("/context/reembed")).json() == {"waiting": 5, "status": "started"}
        await home.kernel.services.get(ContextService).vectors.drain()
        stats = (await home.client.get("/context/stats")).json()
        assert (stats["vectors"], stats["vectors_waiting"], stats["memories"]) == (5, 0, 5)


async def test_retention_is_counted_first_and_figures_are_real(app):
    async with app() as home:
        await make(home, "fresh")
        assert (await home.client.post("/context/archive", json={"dry_run": True})).json() == {
            "dry_run": True,
            "archived": 0,
            "erased": 0,
        }
        context = home.kernel.context_for("context")
        found = {source.name: await load(source.collect)(context) for _, source in context.offers(METRICS_SOURCES)}
        assert found["flat"] == {"vector_db_items": 1}
        assert found["context"]["memories"] == 1
