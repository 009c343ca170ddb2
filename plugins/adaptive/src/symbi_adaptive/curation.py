"""Which tools a model is offered: profile, verification, relevance (RSN-50)."""

from __future__ import annotations

import fnmatch
import math
import re
from collections import Counter
from collections.abc import Sequence

from symbi.contracts.reasoning import Curation
from symbi.contracts.tools import ToolSpec
from symbi_adaptive.config import Profile

__all__ = ["curated", "relevance"]

_WORD = re.compile(r"[^\W_]+")
K1, B = 1.5, 0.75


def curated(tools: Sequence[ToolSpec], profile: Profile, task: str) -> Curation:
    """Return the tools of the profile; with `max_tools` the most relevant ones, in the order of relevance, ties as they came."""
    hidden: dict[str, str] = {}
    kept: list[ToolSpec] = []
    for tool in tools:
        why = _excluded(tool, profile)
        if why:
            hidden[tool.name] = why
        else:
            kept.append(tool)
    if profile.max_tools is not None and len(kept) > profile.max_tools:
        scores = relevance(task, kept)
        ranked = sorted(range(len(kept)), key=lambda number: -scores[number])
        for number in ranked[profile.max_tools :]:
            hidden[kept[number].name] = "others are more relevant to the task"
        kept = [kept[number] for number in ranked[: profile.max_tools]]
    return Curation(tools=tuple(kept), hidden=hidden)


def _excluded(tool: ToolSpec, profile: Profile) -> str:
    if profile.include and not any(fnmatch.fnmatchcase(tool.name, pattern) for pattern in profile.include):
        return "the profile does not include it"
    if any(fnmatch.fnmatchcase(tool.name, pattern) for pattern in profile.exclude):
        return "the profile excludes it"
    if profile.require_verified and not tool.verified:
        return "it is not verified"
    return ""


def relevance(task: str, tools: Sequence[ToolSpec]) -> list[float]:
    """Return how well each tool's name and description fit the task: Okapi BM25 over the tools as documents (Robertson & Zaragoza 2009)."""
    documents = [_words(f"{tool.name} {tool.name} {tool.description}") for tool in tools]
    lengths = [sum(document.values()) for document in documents]
    average = (sum(lengths) / len(lengths) if lengths else 0) or 1
    wanted = set(_words(task))
    scores = [0.0] * len(tools)
    for word in wanted:
        holding = sum(1 for document in documents if word in document)
        if not holding:
            continue
        weight = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        for number, document in enumerate(documents):
            count = document[word]
            scores[number] += weight * count * (K1 + 1) / (count + K1 * (1 - B + B * lengths[number] / average))
    return scores


def _words(text: str) -> Counter[str]:
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text[:20_000])
    return Counter(_stem(word.lower()) for word in _WORD.findall(spread))


def _stem(word: str) -> str:
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
