"""The risk score of a tool: a law, not a plugin (spec: toolreview.md §1.4), so that every analyzer and every view agrees on it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from symbi.contracts.review import Finding

__all__ = ["BASE_WEIGHT", "Contribution", "Score", "score_findings"]

BASE_WEIGHT = {"critical": 0.95, "high": 0.75, "medium": 0.30, "low": 0.08, "info": 0.0}
_STEPS = ((0, 39), (40, 69), (70, 89), (90, 100))
_STEP_OF = {"info": 0, "low": 0, "medium": 1, "high": 2, "critical": 3}
_SURE = 0.7


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """How much one rule moved the score: its weight after step 2 of the law, between 0 and 1."""

    rule: str
    category: str
    contribution: float
    findings: int


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A score between 0 and 100, and what made it."""

    risk_score: int
    breakdown: tuple[Contribution, ...]
    lifted_by: tuple[str, ...] = ()


def score_findings(findings: Sequence[Finding]) -> Score:
    """Score a set of findings; their order, their lines and exact duplicates do not matter, and one more never lowers it.

    Weight = base(severity) x confidence; in a rule the strongest counts and the rest add at most a tenth; rules of a category join by
    maximum, categories by noisy-or; the worst sure finding fixes the band; a chain lifts one band (toolreview.md §1.4, 1 to 5).
    """
    live = [finding for finding in findings if not finding.suppressed]
    breakdown = _contributions(live)
    strongest: dict[str, float] = {}
    for part in breakdown:
        strongest[part.category] = max(strongest.get(part.category, 0.0), part.contribution)
    rest = 1.0
    for weight in strongest.values():
        rest *= 1.0 - weight
    step = max((_STEP_OF[finding.severity] for finding in live if finding.confidence >= _SURE), default=0)
    chains = tuple(sorted({tag for finding in live for tag in finding.tags if tag.startswith("chain:")}))
    if chains:
        step = min(step + 1, len(_STEPS) - 1)
    low, high = _STEPS[step]
    raw = int(100.0 * (1.0 - rest) + 0.5)
    return Score(risk_score=max(low, min(high, raw)), breakdown=breakdown, lifted_by=chains)


def _contributions(findings: Sequence[Finding]) -> tuple[Contribution, ...]:
    weights: dict[tuple[str, str], list[float]] = {}
    for finding in findings:
        weight = BASE_WEIGHT[finding.severity] * max(0.0, min(1.0, finding.confidence))
        weights.setdefault((finding.category, finding.rule), []).append(weight)
    parts = []
    for (category, rule), values in sorted(weights.items()):
        values.sort(reverse=True)
        total = min(1.0, values[0] + min(0.1 * values[0], 0.1 * sum(values[1:])))
        if total > 0:
            parts.append(Contribution(rule=rule, category=category, contribution=round(total, 6), findings=len(values)))
    return tuple(sorted(parts, key=lambda part: (-part.contribution, part.category, part.rule)))
