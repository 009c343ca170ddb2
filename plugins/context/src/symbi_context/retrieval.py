"""Retrieval: passages of documents for a question, ranked with their factors, varied, within bounds and in time (CTX-41, CTX-42)."""

from __future__ import annotations

import asyncio
import fnmatch
import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from symbi.contracts.context import Hit, Passage, Retrieval, SearchQuery
from symbi.contracts.errors import InvalidRequest, Timeout
from symbi.contracts.vectors import Level, Scope, level_rank
from symbi.kernel.context import PluginContext
from symbi_context.config import ContextConfig
from symbi_context.fencing import fenced, single
from symbi_context.search import Searcher
from symbi_context.texts import words

__all__ = ["Bounds", "Retriever"]

_DAY_MS = 86_400_000.0
_AUTHORITY = {".py": 0.6, ".rs": 0.6, ".json": 0.5, ".txt": 0.4, ".md": 0.8, ".html": 0.7, ".pdf": 0.7}


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a retrieval may use: globs over uris, and the highest level."""

    sources: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    level: Level | None = None

    def allows(self, hit: Hit) -> bool:
        """Tell whether a hit is within the bounds."""
        uri = str(hit.item.data.get("uri", ""))
        if self.level is not None and level_rank(hit.item.level) > level_rank(self.level):
            return False
        return (not self.sources or _matches(uri, self.sources)) and not _matches(uri, self.excluded)

    def prefers(self, hit: Hit) -> bool:
        """Tell whether a hit's source is one of those that are liked best."""
        return _matches(str(hit.item.data.get("uri", "")), self.preferred)


class Retriever:
    """Finds passages."""

    def __init__(self, config: ContextConfig, context: PluginContext, searcher: Searcher) -> None:
        self._config = config
        self._context = context
        self._searcher = searcher
        self.count = 0
        self.empty = 0
        self.total_ms = 0.0

    async def retrieve(self, scope: Scope, query: str, *, limit: int, bounds: Bounds, time_limit: float) -> Retrieval:
        """Return the passages that answer best; none is an honest answer. Raises `Timeout`, `InvalidRequest`."""
        if not 1 <= limit <= 100:
            raise InvalidRequest("limit must be from 1 to 100", details={"field": "limit"})
        if not 0 < time_limit <= 300:
            raise InvalidRequest("time_limit must be from 0 to 300 seconds", details={"field": "time_limit"})
        began = self._context.clock.monotonic()
        # The hits of one document are not to crowd out the rest, so more is looked at than is returned.
        asked = SearchQuery(query_type="hybrid", terms=(query,), kinds=("chunk",), limit=min(200, limit * 6 + 20))
        try:
            async with asyncio.timeout(time_limit):
                answer = await self._searcher.search(scope, asked)
        except TimeoutError:
            raise Timeout(
                f"nothing was retrieved within {time_limit:g} s", hint="raise time_limit, or ask for less"
            ) from None
        ranked = [self._passage(hit, bounds) for hit in answer.hits if bounds.allows(hit)]
        passages = self._varied(sorted(ranked, key=lambda each: -each.score), limit)
        self.count += 1
        self.empty += not passages
        self.total_ms += (self._context.clock.monotonic() - began) * 1000
        prompt = fenced(
            single("passage", each.text, id=each.id, source=each.uri, title=each.title) for each in passages
        )
        return Retrieval(passages=tuple(passages), prompt=prompt, degraded=answer.degraded, reason=answer.reason)

    def _passage(self, hit: Hit, bounds: Bounds) -> Passage:
        item, ranking = hit.item, self._config.ranking
        uri = str(item.data.get("uri", ""))
        age = max(0, self._context.clock.now_ms() - item.created_at) / _DAY_MS
        factors = {
            "fit": hit.score,
            "keyword": float(hit.explain.get("keyword", 0.0)),
            "similarity": float(hit.explain.get("similarity", 0.0)),
            "recency": math.exp(-age / 365),
            "authority": 1.0 if bounds.prefers(hit) else _AUTHORITY.get("." + uri.rpartition(".")[2].lower(), 0.5),
        }
        rest = max(0.0, 1 - ranking.recency_weight - ranking.authority_weight)
        score = (
            rest * factors["fit"]
            + ranking.recency_weight * factors["recency"]
            + ranking.authority_weight * factors["authority"]
        )
        return Passage(
            id=item.id, document=item.document, uri=uri, title=str(item.data.get("title", "")), text=item.text,
            start=int(item.data["start"]), end=int(item.data["end"]), score=round(score, 6), level=item.level,
            factors={name: round(value, 4) for name, value in factors.items()},
        )  # fmt: skip

    def _varied(self, ranked: list[Passage], limit: int) -> list[Passage]:
        """Choose one after the other, each by its score less what it repeats of those already chosen (MMR, Carbonell and Goldstein 1998)."""
        bags = {each.id: Counter(words([each.text])) for each in ranked}
        chosen: list[Passage] = []
        left = list(ranked)
        while left and len(chosen) < limit:
            best = max(left, key=lambda each: self._worth(each, chosen, bags))
            left.remove(best)
            if not any(_alike(bags[best.id], bags[each.id]) >= 0.98 for each in chosen):
                chosen.append(best)
        return chosen

    def _worth(self, passage: Passage, chosen: Sequence[Passage], bags: dict[str, Counter[str]]) -> float:
        repeats = max((_alike(bags[passage.id], bags[each.id]) for each in chosen), default=0.0)
        return passage.score - self._config.ranking.diversity * passage.score * repeats


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """Return the cosine of two bags of words."""
    dot = sum(count * other[word] for word, count in one.items() if word in other)
    lengths = math.sqrt(sum(count * count for count in one.values())) * math.sqrt(
        sum(count * count for count in other.values())
    )
    return dot / lengths if lengths else 0.0


def _matches(uri: str, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(uri, each) for each in globs)
