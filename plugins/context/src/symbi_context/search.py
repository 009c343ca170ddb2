"""The seed's search: by words, by time, by meaning, or by words and meaning together; every hit explained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from symbi.contracts.context import Hit, MemoryItem, SearchAnswer, SearchQuery
from symbi.contracts.embedders import EmbeddingFailed
from symbi.contracts.errors import InvalidRequest, Unavailable
from symbi.contracts.vectors import Scope
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.config import ContextConfig
from symbi_context.fusion import fuse
from symbi_context.importance import explain, trust_of
from symbi_context.lexical import candidates, relevance
from symbi_context.tables import ITEMS
from symbi_context.texts import words
from symbi_context.vectors import Vectors

__all__ = ["Searcher", "check_query"]

MOST_RESULTS = 1000
_MOST_TERMS = 64
_KEYWORD_FLOOR = 0.0


class Found(msgspec.Struct):
    """What the lists say of one item while they are being fused."""

    item: MemoryItem
    relevance: float
    parts: dict[str, Any]


class Searcher:
    """Answers searches over what a scope may see."""

    def __init__(self, config: ContextConfig, context: PluginContext, vectors: Vectors) -> None:
        self._config = config
        self._context = context
        self._vectors = vectors

    async def search(self, scope: Scope, query: SearchQuery) -> SearchAnswer:
        """Return the best hits; without embedder or backend by words alone, and says so."""
        check_query(query)
        began = self._context.clock.monotonic()
        kind = "similarity" if query.query_type == "semantic" else query.query_type
        degraded = ""
        if kind == "temporal":
            hits = await self._temporal(scope, query)
        else:
            meaning: dict[str, Found] = {}
            if kind in ("similarity", "hybrid"):
                try:
                    meaning = await self._by_meaning(scope, query)
                except (Unavailable, EmbeddingFailed) as error:
                    degraded = error.message
            by_words = await self._by_words(scope, query) if kind != "similarity" or degraded else {}
            hits = self._ordered(scope, query, by_words, meaning, fused=kind == "hybrid" and not degraded)
        took = (self._context.clock.monotonic() - began) * 1000
        return SearchAnswer(hits=tuple(hits), degraded=bool(degraded), reason=degraded, took_ms=round(took, 2))

    async def _by_words(self, scope: Scope, query: SearchQuery) -> dict[str, Found]:
        terms = words(query.terms)
        floor = _KEYWORD_FLOOR if query.threshold is None else query.threshold
        most = max(120, query.limit * 3)
        found = await self._context.store.read(candidates, scope, terms, self._conditions(query), limit=most)
        scores = relevance([row.text for row, _ in found], terms)
        return {
            row.id: Found(rows.item_of(row), value, {"keyword": round(value, 4), "words": hits})
            for (row, _), (value, hits) in zip(found, scores, strict=True)
            if value > 0 and value >= floor
        }

    async def _by_meaning(self, scope: Scope, query: SearchQuery) -> dict[str, Found]:
        ready = await self._vectors.ready()
        [vector] = await self._vectors.embed([" ".join(query.terms)], query=True)
        floor = self._config.ranking.similarity_floor if query.threshold is None else query.threshold
        # Rows decide what is current and what is archived, so more is asked for than is wanted.
        hits = await ready.store.search(
            ready.collection,
            vector,
            scope=scope,
            limit=query.limit * 3 + 20,
            filters=_filters(query),
            minimum=2 * floor - 1,
        )
        found = await self._context.store.read(
            rows.by_ids, [hit.id for hit in hits], rows.visible(scope), *self._conditions(query)
        )
        return {
            hit.id: Found(
                rows.item_of(found[hit.id]),
                (1 + hit.similarity) / 2,
                {"similarity": round((1 + hit.similarity) / 2, 4), "cosine": round(hit.similarity, 4)},
            )
            for hit in hits
            if hit.id in found and found[hit.id].agent == hit.agent
        }

    async def _temporal(self, scope: Scope, query: SearchQuery) -> list[Hit]:
        now = self._context.clock.now_ms()
        start, end = query.start or 0, query.end if query.end is not None else now
        found = await self._context.store.read(_in_time, scope, self._conditions(query), max(200, query.limit * 4))
        terms = words(query.terms)
        fits = relevance([row.text for row in found], terms) if terms else [(1.0, {})] * len(found)
        hits = []
        for row, (fit, _) in zip(found, fits, strict=True):
            if fit <= 0:
                continue
            item = rows.item_of(row)
            place = 1.0 if end <= start else (item.created_at - start) / (end - start)
            value = 0.5 + 0.5 * max(0.0, min(1.0, place))  # later is better, and all of the range counts for something
            explained = {"temporal": round(value, 4), "importance": explain(item, self._config.importance, now=now)}
            if query.threshold is None or value >= query.threshold:
                hits.append(Hit(item=item, relevance=value, score=value, explain=explained))
        return hits[: query.limit]

    def _ordered(
        self, scope: Scope, query: SearchQuery, keyword: dict[str, Found], meaning: dict[str, Found], *, fused: bool
    ) -> list[Hit]:
        by_words = {each: found.relevance for each, found in keyword.items()}
        by_meaning = {each: found.relevance for each, found in meaning.items()}
        ranking = self._config.ranking
        if query.weights is not None:
            by_word, by_sense = query.weights
            ranking = msgspec.structs.replace(ranking, keyword_weight=by_word, vector_weight=by_sense)
        scores = fuse(by_words, by_meaning, ranking, fusion=query.fusion) if fused else {**by_words, **by_meaning}
        hits = [self._hit(scope, each, scores[each], keyword.get(each), meaning.get(each)) for each in scores]
        hits.sort(key=lambda hit: (-hit.score, -hit.item.created_at, hit.item.id))
        return hits[: query.limit]

    def _hit(self, scope: Scope, each: str, fit: float, keyword: Found | None, meaning: Found | None) -> Hit:
        found = [part for part in (keyword, meaning) if part is not None]
        item = found[0].item
        parts: dict[str, Any] = {}
        for part in found:
            parts.update(part.parts)
        parts["fit"] = round(fit, 4)
        score = fit
        if item.kind == "memory":
            factors = explain(item, self._config.importance, now=self._context.clock.now_ms())
            weight = self._config.importance.search_weight
            score = (1 - weight) * fit + weight * factors["importance"]
            parts["importance"] = {name: round(value, 4) for name, value in factors.items()}
        if item.agent != scope.agent and item.kind == "memory":
            trust = trust_of(item)
            score *= trust
            parts["trust"] = round(trust, 4)
        return Hit(item=item, relevance=max(part.relevance for part in found), score=score, explain=parts)

    def _conditions(self, query: SearchQuery) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [ITEMS.c.kind.in_(query.kinds)]
        conditions.append(ITEMS.c.archived_at.is_not(None) if query.archived else ITEMS.c.archived_at.is_(None))
        conditions.append(rows.current(query.as_of if query.as_of is not None else self._context.clock.now_ms()))
        if query.types:
            conditions.append(ITEMS.c.type.in_(query.types))
        if query.start is not None:
            conditions.append(ITEMS.c.created_at >= query.start)
        if query.end is not None:
            conditions.append(ITEMS.c.created_at <= query.end)
        if query.store:
            conditions.append(ITEMS.c.store == query.store)
        if query.documents:
            conditions.append(ITEMS.c.document.in_(query.documents))
        return conditions


def check_query(query: SearchQuery) -> None:
    """Raise `InvalidRequest` for a query that makes no sense, naming the field."""
    if not 1 <= query.limit <= MOST_RESULTS:
        raise _wrong("max_results", f"must be from 1 to {MOST_RESULTS}")
    if query.threshold is not None and not (math.isfinite(query.threshold) and 0 <= query.threshold <= 1):
        raise _wrong("relevance_threshold", "must be from 0 to 1")
    if query.start is not None and query.end is not None and query.start > query.end:
        raise _wrong("time_range", "must not end before it starts")
    if query.query_type == "temporal" and query.start is None and query.end is None:
        raise _wrong("time_range", "is needed for a temporal search")
    if len(query.terms) > _MOST_TERMS or any(len(term) > 2_000 for term in query.terms):
        raise _wrong("search_terms", f"may be {_MOST_TERMS}, of 2000 characters each")
    if query.query_type != "temporal" and not words(query.terms):
        raise _wrong("search_terms", "must have at least one word")
    if query.weights is not None and (min(query.weights) < 0 or not 0 < sum(query.weights) < math.inf):
        raise _wrong("weights", "must be two numbers that are not negative, nor both zero")
    if not query.kinds:
        raise _wrong("kinds", "must name at least one of memory, line, chunk")


def _wrong(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {problem}", details={"field": field, "reason": problem})


def _filters(query: SearchQuery) -> dict[str, Any]:
    asked = {
        "kind": query.kinds,
        "type": query.types,
        "document": query.documents,
        "since": query.start,
        "until": query.end,
    }
    return {name: value for name, value in asked.items() if value not in ((), None)}


def _in_time(conn: Connection, scope: Scope, conditions: Sequence[ColumnElement[bool]], limit: int) -> list[Any]:
    statement = select(ITEMS).where(rows.visible(scope), *conditions)
    return list(conn.execute(statement.order_by(ITEMS.c.created_at.desc(), ITEMS.c.seq.desc()).limit(limit)))
