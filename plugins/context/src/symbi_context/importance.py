"""How much a memory matters (spec `context.md` §1.4, CTX-10, CTX-11): access, recency, feedback, type and age, each told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping

from symbi.contracts.context import MemoryItem
from symbi_context.config import ImportanceConfig

__all__ = ["explain", "feedback_of", "importance_of", "trust_of"]

_HOUR_MS = 3_600_000.0
_DAY_MS = 86_400_000.0
_BONUS = {"factual": 0.2, "procedural": 0.1, "semantic": 0.05}


def importance_of(item: MemoryItem, config: ImportanceConfig, *, now: int) -> float:
    """Return the importance, 0 to 1."""
    return explain(item, config, now=now)["importance"]


def explain(item: MemoryItem, config: ImportanceConfig, *, now: int) -> dict[str, float]:
    """Return the importance with every factor of it."""
    base = _clamp(item.importance)
    access = _access(item.access_count, config)
    last = max(item.accessed_at, item.created_at)
    recency = max(0.01, 2.0 ** (-max(0, now - last) / _HOUR_MS / config.half_life_hours))
    feedback = feedback_of(item.metadata)
    kind = config.type_weights.get(item.type, 1.0)
    age = max(0.05, math.exp(-config.age_rates.get(item.type, 0.01) * max(0, now - item.created_at) / _DAY_MS))
    weighted = (
        config.base_weight * base
        + config.access_weight * access
        + config.recency_weight * recency
        + config.feedback_weight * feedback
    )
    return {
        "importance": _clamp(weighted * kind * age),
        "base": base,
        "access": access,
        "recency": recency,
        "feedback": feedback,
        "type": kind,
        "age": age,
    }


def feedback_of(metadata: Mapping[str, str]) -> float:
    """Return what people and agents said of it, 0 to 1; 0.5 where nobody has."""
    value = 0.5
    rating = metadata.get("user_rating")
    if rating is not None:
        try:
            value = _clamp(float(rating) / 5.0)
        except ValueError:
            value = 0.5
    helpful = metadata.get("helpful", "").lower()
    if helpful in ("true", "yes", "1"):
        value = max(value, 0.8)
    elif helpful in ("false", "no", "0"):
        value = min(value, 0.2)
    if "corrected" in metadata or "incorrect" in metadata:
        value = min(value, 0.3)
    if "bookmarked" in metadata or "favorite" in metadata:
        value = max(value, 0.9)
    use = metadata.get("usage_context", "").lower()
    if use in ("critical", "important"):
        return max(value, 0.95)
    if use in ("routine", "common"):
        return max(value, 0.7)
    return min(value, 0.4) if use in ("experimental", "trial") else value


def trust_of(item: MemoryItem) -> float:
    """Return how far something shared is trusted, 0 to 1: more, the more it is used (spec §1.6)."""
    return _clamp(0.5 + math.log(item.access_count + 1) / 10 + _BONUS.get(item.type, 0.0))


def _access(count: int, config: ImportanceConfig) -> float:
    if config.mode == "symbiont":
        return 0.1 if count == 0 else min(1.0, math.log(count + 1) / 10)
    return min(1.0, max(0.1, math.log(count + 1) / math.log(config.access_cap + 1)))


def _clamp(value: float) -> float:
    if not math.isfinite(value):
        return 0.0
    return max(0.0, min(1.0, value))
