"""The settings of memory and of the vectors below it."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

__all__ = ["ContextConfig", "ImportanceConfig", "RankingConfig", "VectorDbConfig"]


TYPE_WEIGHTS = {"factual": 1.0, "procedural": 1.2, "episodic": 0.9, "semantic": 1.1, "working": 1.3}
AGE_RATES = {"working": 0.1, "factual": 0.01, "procedural": 0.005, "episodic": 0.02, "semantic": 0.008}


class VectorDbConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[vector_db]`: where vectors are kept; `SYMBIONT_VECTOR_BACKEND` and `QDRANT_URL` win."""

    enabled: bool = True
    backend: str = ""
    """`lancedb`, `qdrant`, `sqlitevec` or another installed one; empty means LanceDB where it is installed, else the built-in; `none` means none."""
    collection_name: str = "symbi_knowledge"
    url: str = ""
    """The server's address, for backends that have one."""


class ImportanceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[context.importance]`: how much a memory matters; the four weights sum to 1 (CTX-16)."""

    mode: Literal["default", "symbiont"] = "default"
    """`symbiont` reproduces upstream's formula, where one access counts less than none."""
    base_weight: float = 0.30
    access_weight: float = 0.25
    recency_weight: float = 0.30
    feedback_weight: float = 0.15
    half_life_hours: float = 24.0
    access_cap: int = 100
    """From how many accesses on more do not count."""
    type_weights: dict[str, float] = msgspec.field(default_factory=lambda: dict(TYPE_WEIGHTS))
    age_rates: dict[str, float] = msgspec.field(default_factory=lambda: dict(AGE_RATES))
    """Decay a day."""
    search_weight: float = 0.15
    """The share of importance in the order of search results."""

    def __post_init__(self) -> None:
        weights = (self.base_weight, self.access_weight, self.recency_weight, self.feedback_weight)
        if any(weight < 0 for weight in weights) or not math.isclose(sum(weights), 1.0, abs_tol=1e-6):
            raise ValueError("base_weight, access_weight, recency_weight and feedback_weight must sum to 1")
        if self.half_life_hours <= 0 or self.access_cap < 1 or not 0 <= self.search_weight <= 1:
            raise ValueError("half_life_hours and access_cap must be positive, search_weight from 0 to 1")


class RankingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[context.ranking]`: how lists are fused and passages ranked."""

    fusion: Literal["rrf", "weighted"] = "rrf"
    rrf_k: int = 60
    keyword_weight: float = 0.4
    vector_weight: float = 0.6
    similarity_floor: float = 0.6
    """What a search without a threshold asks of similarity, (1 + cosine) / 2."""
    recency_weight: float = 0.05
    authority_weight: float = 0.05
    diversity: float = 0.2
    """How much a passage that repeats a better one loses (maximal marginal relevance)."""
    duplicate_similarity: float = 0.95
    """From which cosine on two texts are one in a prompt."""


class ContextConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[context]`: memory of agents."""

    embedder: str = ""
    """Which embedder; empty means the one that works offline, where one is installed; `none` means words only."""
    tenant: str = "default"
    importance: ImportanceConfig = ImportanceConfig()
    ranking: RankingConfig = RankingConfig()
    max_memories: int = 10_000
    """Memories of one agent; above, the least important are archived (never pinned or secret ones)."""
    max_chunks: int = 50_000
    """Pieces of documents of one owner."""
    max_text_bytes: int = 1_048_576
    max_document_bytes: int = 20 * 1024 * 1024
    max_blocks: int = 20
    block_characters: int = 2_000
    session_days: float = 30.0
    memory_days: float = 90.0
    """After how many days without use a memory is archived; a declared `memory` block's retention wins."""
    archive_interval_hours: float = 1.0
    """How often retention is applied; 0 leaves it to `symbi memory archive`."""
    count_access: bool = True
    """A hit counts as an access."""
    functional_predicates: tuple[str, ...] = ()
    """Predicates that have one object: a new fact supersedes the old one of the same subject (CTX-21)."""
    encryption_required: bool = False
    """Refuses to start: Symbi does not encrypt its files; put the data directory on an encrypted disk and leave this off."""
