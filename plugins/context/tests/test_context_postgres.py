"""The same memory on PostgreSQL: words, meaning, history, erasure."""

from __future__ import annotations

import pytest

from symbi.contracts.context import Forget, NewDocument, SearchQuery
from symbi.contracts.principal import LOCAL_ADMIN

pytestmark = pytest.mark.postgres


async def test_memory_works_on_postgresql(house, postgres_url):
    async with house(tables={"store": {"url": postgres_url}}) as home:
        scope = await home.scope()
        old = await home.remember(
            "Ann loves cats \0 dearly", data={"subject": "Ann", "predicate": "loves", "object": "cats"}
        )
        await home.remember("Ann hates cats", supersedes=old.id)
        assert await home.found("Ann cats", query_type="keyword") == ["Ann hates cats"]
        assert await home.found("felines", query_type="hybrid") == ["Ann hates cats"]
        assert await home.found("Ann: 'cats' & !(|)", query_type="keyword") == ["Ann hates cats"]
        assert await home.found("Ann", agent="agent-b", query_type="keyword") == []
        await home.service.ingest(
            scope, NewDocument(uri="a.md", content="# Mast\n\nThe mast is oak."), principal=LOCAL_ADMIN
        )
        assert [each.uri for each in (await home.service.retrieve(scope, "oak mast")).passages] == ["a.md"]
        await home.service.add_line(scope, "s", "user", "good morning")
        answer = await home.service.search(scope, SearchQuery(query_type="temporal", start=0, kinds=("line",)))
        assert [hit.item.text for hit in answer.hits] == ["good morning"]
        report = await home.service.retention.apply(dry_run=True)
        assert (report.archived, report.erased) == (0, 0)
        proof = await home.service.forget(scope, Forget(everything=True), principal=LOCAL_ADMIN)
        assert (proof.erased, proof.complete) == (4, True)
        assert await home.shelf.total("symbi_knowledge") == 0
