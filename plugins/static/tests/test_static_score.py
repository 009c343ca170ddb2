"""TR-13: the laws of the score (toolreview.md §1.4)."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.review import CATEGORIES, SEVERITIES, Finding, band_of
from symbi.contracts.review_score import score_findings


def finding(
    severity: str,
    *,
    category: str = "ssrf",
    rule: str = "r",
    confidence: float = 0.9,
    line: int = 1,
    tags: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        rule=rule,
        category=category,
        severity=severity,
        title="t",
        description="d",
        recommendation="r",
        confidence=confidence,
        line=line,
        tags=tags,
    )  # type: ignore[arg-type]


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(SEVERITIES),
        category=st.sampled_from(CATEGORIES),
        rule=st.sampled_from(["a", "b", "c"]),
        confidence=st.floats(0, 1),
        tags=st.sampled_from([(), ("chain:x",)]),
    ),
    max_size=12,
)
STEPS = ((0, 39), (40, 69), (70, 89), (90, 100))


def step(score: int) -> int:
    return next(i for i, (low, high) in enumerate(STEPS) if low <= score <= high)


@settings(max_examples=100)
@given(FINDINGS, st.randoms())
def test_order_and_lines_do_not_matter(findings: list[Finding], random: object) -> None:
    shuffled = [msgspec.structs.replace(f, line=99) for f in findings]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert score_findings(shuffled) == score_findings(findings)


@settings(max_examples=100)
@given(FINDINGS, FINDINGS)
def test_one_more_finding_never_lowers(findings: list[Finding], more: list[Finding]) -> None:
    assert score_findings(findings + more).risk_score >= score_findings(findings).risk_score


@settings(max_examples=100)
@given(FINDINGS)
def test_duplicates_never_change_the_band(findings: list[Finding]) -> None:
    assert step(score_findings(findings * 5).risk_score) == step(score_findings(findings).risk_score)


def test_the_worst_sure_finding_fixes_the_band() -> None:
    assert score_findings([]).risk_score == 0
    assert band_of(score_findings([finding("medium")] * 40).risk_score) == "medium"
    many = [finding("medium", category=c) for c in CATEGORIES]
    assert band_of(score_findings(many).risk_score) == "medium"
    assert 70 <= score_findings([finding("high")]).risk_score <= 89
    assert 90 <= score_findings([finding("critical")]).risk_score <= 100
    assert score_findings([finding("critical", confidence=0.5)]).risk_score <= 39
    assert score_findings([finding("high", tags=("chain:secret-to-network",))]).risk_score >= 90


def test_every_finding_that_moved_the_score_is_named() -> None:
    score = score_findings([finding("high"), finding("low", category="xss"), finding("info", category="db")])
    assert {part.category for part in score.breakdown} == {"ssrf", "xss"}


def test_a_suppressed_finding_does_not_count() -> None:
    assert score_findings([msgspec.structs.replace(finding("critical"), suppressed=True)]).risk_score == 0
