"""Insights: what the bundled knowledge and past reviews say about findings; BM25, offline, deterministic (toolreview.md §1.6)."""

from __future__ import annotations

import hashlib
import math
import re
from functools import lru_cache
from typing import Any

from symbi.contracts.review import Finding
from symbi_review.knowledge.notes import NOTES

__all__ = ["insights_for", "search"]

_MOST_QUERIES = 10
_MOST_INSIGHTS = 5
_THRESHOLD = 0.5
_K1, _B = 1.2, 0.75


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]{2,}", text.lower().replace("_", " "))


@lru_cache(maxsize=1)
def _index() -> tuple[dict[str, dict[str, int]], dict[str, float], float]:
    documents: dict[str, dict[str, int]] = {}
    for category, (reference, keywords, note) in NOTES.items():
        counts: dict[str, int] = {}
        for word in _words(f"{category} {category} {reference} {keywords} {note}"):
            counts[word] = counts.get(word, 0) + 1
        documents[category] = counts
    total = len(documents)
    seen: dict[str, int] = {}
    for counts in documents.values():
        for word in counts:
            seen[word] = seen.get(word, 0) + 1
    weights = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in seen.items()}
    mean = sum(sum(counts.values()) for counts in documents.values()) / total
    return documents, weights, mean


def search(query: str) -> list[tuple[str, float]]:
    """(category, relevance in [0, 1]) of the notes, best first; 1 means that every word of the query hits as hard as it can."""
    documents, weights, mean = _index()
    words = [word for word in dict.fromkeys(_words(query)) if word in weights]
    best = sum(weights[word] * (_K1 + 1) for word in words) or 1.0
    found = []
    for category, counts in documents.items():
        size = sum(counts.values())
        score = 0.0
        for word in words:
            times = counts.get(word, 0)
            score += weights[word] * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * size / mean)) if times else 0.0
        if score > 0:
            found.append((category, min(1.0, score / best * 1.6)))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def insights_for(findings: list[Finding], past: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """At most five insights, sorted by relevance, and the points by which past rejections raise the score (ten at most)."""
    insights: dict[str, dict[str, Any]] = {}
    relevant = [finding for finding in findings if finding.severity != "info" and not finding.suppressed]
    for category in list(dict.fromkeys(finding.category for finding in relevant))[:_MOST_QUERIES]:
        sample = next(finding for finding in relevant if finding.category == category)
        for name, relevance in search(f"{category} {sample.rule} {sample.title}")[:1]:
            reference, _, note = NOTES[name]
            if relevance >= _THRESHOLD and name not in insights:
                insights[name] = _insight("security_kb", round(relevance, 2), note, reference or sample.rule, note)
    raised = 0
    for review in past[:2]:
        text = f"Nearly the same code was {review['status']} before (review {review['review_id']})."
        insights[review["review_id"]] = _insight(
            "past_reviews", 0.99, text, review["review_id"], review["normalised_hash"]
        )
        raised = 10 if review["status"] == "rejected" else raised
    ordered = sorted(insights.values(), key=lambda item: (-item["relevance_score"], item["reference"]))
    return ordered[:_MOST_INSIGHTS], raised


def _insight(source: str, relevance: float, text: str, reference: str, excerpt: str) -> dict[str, Any]:
    digest = hashlib.sha256(excerpt.encode()).hexdigest()
    return {
        "knowledge_source": source,
        "relevance_score": relevance,
        "insight": text,
        "reference": reference,
        "excerpt_hash": digest,
    }
