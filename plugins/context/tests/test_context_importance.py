"""Importance: upstream's formula to 1e-6 on a golden table, and ours monotone where upstream's is not (CTX-10, CTX-11, CTX-16)."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.context import MEMORY_TYPES, MemoryItem
from symbi_context.config import ImportanceConfig
from symbi_context.importance import explain, importance_of, trust_of

DAY = 86_400_000
NOW = 400 * DAY
UPSTREAM = ImportanceConfig(mode="symbiont")
OURS = ImportanceConfig()
FEEDBACK = {
    (): 0.5, (("user_rating", "5"),): 1.0, (("user_rating", "1"),): 0.2, (("helpful", "yes"),): 0.8, (("helpful", "0"),): 0.2, (("corrected", "x"),): 0.3,
    (("bookmarked", "1"),): 0.9, (("usage_context", "critical"),): 0.95, (("usage_context", "common"),): 0.7, (("usage_context", "trial"),): 0.4,
    (("user_rating", "junk"),): 0.5, (("user_rating", "5"), ("incorrect", "1")): 0.3, (("helpful", "no"), ("favorite", "1")): 0.9,
}  # fmt: skip
TYPES = {
    "factual": (1.0, 0.01),
    "procedural": (1.2, 0.005),
    "episodic": (0.9, 0.02),
    "semantic": (1.1, 0.008),
    "working": (1.3, 0.1),
}


def item(kind="factual", *, count=0, age_days=0.0, idle_days=None, base=0.5, metadata=None):
    created = NOW - round(age_days * DAY)
    used = NOW - round((age_days if idle_days is None else idle_days) * DAY)
    return MemoryItem(
        id="i", kind="memory", agent="a", text="t", type=kind, importance=base, level="public", created_at=created,
        accessed_at=used, access_count=count, metadata=metadata or {},
    )  # fmt: skip


@pytest.mark.parametrize("kind", MEMORY_TYPES)
@pytest.mark.parametrize("age", [0, 1, 7, 30, 365])
@pytest.mark.parametrize("count", [0, 1, 2, 10, 100])
def test_ctx_10_the_compatible_mode_is_upstreams_formula(kind, age, count):
    multiplier, rate = TYPES[kind]
    for marks, feedback in FEEDBACK.items():
        access = 0.1 if count == 0 else min(1.0, math.log(count + 1) / 10)
        recency = max(0.01, 0.5**age)
        weighted = 0.30 * 0.8 + 0.25 * access + 0.30 * recency + 0.15 * feedback
        expected = min(1.0, weighted * multiplier * max(0.05, math.exp(-rate * age)))
        made = item(kind, count=count, age_days=age, base=0.8, metadata=dict(marks))
        assert importance_of(made, UPSTREAM, now=NOW) == pytest.approx(expected, abs=1e-6)


def test_ctx_11_upstream_counts_one_access_less_than_none_and_we_do_not():
    assert explain(item(count=1), UPSTREAM, now=NOW)["access"] < explain(item(count=0), UPSTREAM, now=NOW)["access"]
    assert explain(item(count=1), OURS, now=NOW)["access"] >= explain(item(count=0), OURS, now=NOW)["access"]
    assert explain(item(count=100), OURS, now=NOW)["access"] == pytest.approx(1.0)


@given(
    st.sampled_from(MEMORY_TYPES),
    st.integers(0, 10_000),
    st.integers(0, 100),
    st.floats(0, 400),
    st.floats(0, 400),
    st.floats(0, 1),
)
def test_ctx_11_more_use_later_use_and_better_words_never_make_it_less(kind, count, more, age, idle, base):
    idle = min(idle, age)
    plain = importance_of(item(kind, count=count, age_days=age, idle_days=idle, base=base), OURS, now=NOW)
    assert 0.0 <= plain <= 1.0
    assert (
        importance_of(item(kind, count=count + more, age_days=age, idle_days=idle, base=base), OURS, now=NOW) >= plain
    )
    assert importance_of(item(kind, count=count, age_days=age, idle_days=idle / 2, base=base), OURS, now=NOW) >= plain
    better = item(kind, count=count, age_days=age, idle_days=idle, base=base, metadata={"helpful": "yes"})
    assert importance_of(better, OURS, now=NOW) >= plain


@given(st.integers(0, 10**9), st.sampled_from(MEMORY_TYPES))
def test_trust_is_bounded_and_grows_with_use(count, kind):
    assert 0.5 <= trust_of(item(kind, count=count)) <= 1.0
    assert trust_of(item(kind, count=count + 1)) >= trust_of(item(kind, count=count))


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_weight": 0.5},
        {"base_weight": -0.3, "access_weight": 0.85},
        {"half_life_hours": 0},
        {"access_cap": 0},
        {"search_weight": 2},
    ],
)
def test_ctx_16_weights_must_sum_to_one(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, ImportanceConfig)


async def test_ctx_16_a_wrong_weight_stops_the_start_with_its_path(house):
    from symbi.contracts.errors import ConfigError

    with pytest.raises(ConfigError, match=r"context.importance"):
        async with house(tables={"context": {"importance": {"base_weight": 0.9}}}):
            pass
