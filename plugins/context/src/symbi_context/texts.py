"""Texts: made safe to keep, reduced to words, compared without case and spacing."""

from __future__ import annotations

import hashlib
import re

from symbi.contracts.errors import InvalidRequest, PayloadTooLarge

__all__ = ["STOPWORDS", "clean", "digest_of", "normalised", "scope_key", "words"]

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_SPACES = re.compile(r"\s+")
_MOST_WORDS = 64

STOPWORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "shall",
        "should",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
"""English words that say nothing of what is looked for; left out of a query unless it has no others."""


def clean(text: object, *, field: str, most: int) -> str:
    """Return a text that every store can keep: NUL and broken surrogates replaced; raises where it is no text, empty or too large."""
    if not isinstance(text, str):
        raise InvalidRequest(f"{field} must be a text", details={"field": field})
    encoded = text.replace("\0", "\ufffd").encode("utf-8", "replace")
    if len(encoded) > most:
        raise PayloadTooLarge(
            f"{field} has {len(encoded)} bytes, the limit is {most}", details={"field": field, "limit": most}
        )
    safe = encoded.decode("utf-8")
    if not safe.strip():
        raise InvalidRequest(f"{field} must not be empty", details={"field": field, "reason": "empty"})
    return safe


def normalised(text: str) -> str:
    """Return the text in lower case with single spaces."""
    return _SPACES.sub(" ", text.casefold()).strip()


def digest_of(text: str) -> str:
    """Return the SHA-256 of the normalised text."""
    return hashlib.sha256(normalised(text).encode()).hexdigest()


def words(terms: tuple[str, ...] | list[str]) -> list[str]:
    """Return the words of a query in lower case, each once, without those that say nothing unless there are no others."""
    found = list(dict.fromkeys(word for term in terms for word in _WORD.findall(term.casefold())))
    telling = [word for word in found if word not in STOPWORDS]
    return (telling or found)[:_MOST_WORDS]


def scope_key(tenant: str, agent: str) -> str:
    """Return the word that stands for an owner in the full-text index."""
    return "s" + hashlib.sha256(f"{tenant}\0{agent}".encode()).hexdigest()[:20] + "x"
