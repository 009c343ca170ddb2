"""Embedders: texts become vectors, by a model that is installed or reachable, never by invention (spec `context.md`, CTX-30…CTX-34)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from symbi.contracts.errors import Unavailable
from symbi.contracts.offers import Offer
from symbi.contracts.vectors import Vector

__all__ = ["Embedder", "EmbedderInfo", "EmbedderOffer", "EmbeddingFailed", "Purpose"]

Purpose = Literal["query", "passage"]
"""What a text is embedded for; models that make no difference ignore it."""


class EmbeddingFailed(Unavailable):
    """The model cannot be loaded or reached, or has answered with something that is no vector."""

    code = "EMBEDDING_FAILED"


class EmbedderInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which model it is: `model` is stored with every collection and must name weights and preparation exactly."""

    model: str
    dimension: int
    local: bool
    """Whether texts stay on this machine."""


class Embedder(Protocol):
    """An opened embedder; heavy libraries load with the first `embed`."""

    async def describe(self) -> EmbedderInfo:
        """Return the model's name and dimension; a remote one may be asked for its dimension once."""

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage") -> list[Vector]:
        """Return one vector of length 1 for each text, in order; a long text is read in windows whose mean counts.

        The same text always gives the same vector, alone or among others, up to rounding. Any text is taken: empty, NUL, a megabyte.
        Raises `EmbeddingFailed`; must be safe to cancel.
        """


class EmbedderOffer(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `embedders`; opens to an `Embedder`. Chosen by `[context] embedder`."""

    default: bool = False
    """Whether it is taken where the configuration names none: it works offline, without a key."""
