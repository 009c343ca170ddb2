"""What belongs in a prompt: the blocks, and, fenced, what is remembered and known; the same thing said twice is one line (CTX-15, CTX-25)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from symbi.contracts.context import Hit, SearchQuery
from symbi.contracts.errors import SymbiError
from symbi.contracts.vectors import Scope
from symbi_context.blocks import Blocks
from symbi_context.config import ContextConfig
from symbi_context.fencing import fenced, single
from symbi_context.search import Searcher
from symbi_context.texts import normalised
from symbi_context.vectors import Vectors

__all__ = ["Prompter"]


class _Line(msgspec.Struct):
    hit: Hit
    count: int = 1


class Prompter:
    """Writes the part of a prompt that memory gives."""

    def __init__(self, config: ContextConfig, blocks: Blocks, searcher: Searcher, vectors: Vectors) -> None:
        self._config = config
        self._blocks = blocks
        self._searcher = searcher
        self._vectors = vectors

    async def prompt(self, scope: Scope, query: str, *, limit: int) -> str:
        """Return the blocks, then what fits the query; without a query the blocks alone."""
        parts = [
            single("block", block.text, label=block.label) for block in await self._blocks.list(scope) if block.text
        ]
        if query.strip():
            answer = await self._searcher.search(scope, SearchQuery(terms=(query[:2_000],), limit=limit * 3))
            lines = (await self._once_each(scope, answer.hits))[:limit]
            found = fenced(single("memory", line.hit.item.text, **_facts(line)) for line in lines)
            parts += [found] if found else []
        return "\n".join(parts)

    async def _once_each(self, scope: Scope, hits: Sequence[Hit]) -> list[_Line]:
        by_text: dict[str, _Line] = {}
        for hit in hits:
            line = by_text.setdefault(normalised(hit.item.text), _Line(hit, 0))
            line.count += 1
        lines = list(by_text.values())
        vectors = await self._vectors_of(scope, [line.hit.item.id for line in lines])
        kept: list[_Line] = []
        for line in lines:
            mine = vectors.get(line.hit.item.id)
            same = next(
                (each for each in kept if mine and _cosine(mine, vectors.get(each.hit.item.id)) >= self._threshold),
                None,
            )
            if same is None:
                kept.append(line)
            else:
                same.count += line.count
        return kept

    @property
    def _threshold(self) -> float:
        return self._config.ranking.duplicate_similarity

    async def _vectors_of(self, scope: Scope, ids: list[str]) -> dict[str, Sequence[float]]:
        if not self._vectors.on or len(ids) < 2:
            return {}
        try:
            ready = await self._vectors.ready()
            return {record.id: record.vector for record in await ready.store.get(ready.collection, ids, scope=scope)}
        except SymbiError:
            return {}  # words alone then tell what is the same


def _facts(line: _Line) -> dict[str, object]:
    item = line.hit.item
    return {
        "id": item.id,
        "kind": item.kind,
        "type": item.type,
        "source": item.data.get("uri") or item.source,
        "times": line.count if line.count > 1 else None,
    }


def _cosine(one: Sequence[float], other: Sequence[float] | None) -> float:
    if other is None or len(one) != len(other):
        return -1.0
    return sum(a * b for a, b in zip(one, other, strict=True))
