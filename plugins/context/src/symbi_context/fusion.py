"""Two ranked lists become one (CTX-12): by ranks, or by upstream's weights on scores."""

from __future__ import annotations

from collections.abc import Mapping

from symbi_context.config import RankingConfig

__all__ = ["fuse"]


def fuse(
    keyword: Mapping[str, float], vector: Mapping[str, float], config: RankingConfig, *, fusion: str | None = None
) -> dict[str, float]:
    """Return the fused score of each id, 0 to 1, from the relevances of both lists, each in its own order.

    `rrf`: reciprocal rank fusion (Cormack, Clarke, Büttcher 2009), as a share of the best that both lists together can give. `weighted`: the
    weighted sum, as a share of both weights.
    """
    if (fusion or config.fusion) == "rrf":
        return _by_rank(keyword, vector, config.rrf_k)
    lists = [(keyword, config.keyword_weight), (vector, config.vector_weight)]
    total = sum(weight for _, weight in lists) or 1.0
    scores: dict[str, float] = {}
    for found, weight in lists:
        for item, relevance in found.items():
            scores[item] = scores.get(item, 0.0) + relevance * weight / total
    return scores


def _by_rank(keyword: Mapping[str, float], vector: Mapping[str, float], k: int) -> dict[str, float]:
    lists = [found for found in (keyword, vector) if found]
    best = len(lists) / (k + 1)
    scores: dict[str, float] = {}
    for found in lists:
        for rank, item in enumerate(sorted(found, key=lambda each: -found[each]), 1):
            scores[item] = scores.get(item, 0.0) + 1 / (k + rank) / best
    return scores
