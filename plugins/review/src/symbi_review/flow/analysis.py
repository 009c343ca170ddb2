"""One analysis: every configured analyzer, their findings joined; what fails is a gap, never a pass (TR-29)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from symbi.contracts.review import AnalysisReport, Finding, ReviewAnalyzer, Submission, band_of
from symbi.contracts.review_score import score_findings
from symbi_review.knowledge.insights import insights_for

__all__ = ["analyze_with", "finding_view", "gap", "joined"]

_log = logging.getLogger("symbi.review")
_TRIES = 3
_MOST_FINDINGS = 500


def gap(name: str, reason: str) -> AnalysisReport:
    """The report of an analyzer that has not looked."""
    finding = Finding(
        rule="analyzer-failed",
        category="analysis_incomplete",
        severity="high",
        title="An analyzer could not look at the tool",
        description=f"The analyzer {name!r} {reason}.",
        recommendation="A person must decide; the operator should look at the analyzer's health.",
        where="analysis",
        fingerprint=f"gap-{name}",
        analyzer=name,
    )
    return AnalysisReport(analyzer=name, version="", complete=False, findings=(finding,))


async def _one(name: str, analyzer: ReviewAnalyzer | None, submission: Submission, deadline: float) -> AnalysisReport:
    if analyzer is None:
        return gap(name, "is configured but not available")
    reason = ""
    for _ in range(_TRIES):
        try:
            async with asyncio.timeout(deadline):
                report = await analyzer.analyze(submission)
            if isinstance(report, AnalysisReport):
                return msgspec.convert(msgspec.to_builtins(report), AnalysisReport)
            reason = "answered with something that is no report"
        except TimeoutError:
            return gap(name, f"took longer than {deadline:g} seconds")
        except Exception as error:
            _log.warning("analyzer %s failed: %s", name, type(error).__name__)
            reason = "failed"
    return gap(name, reason)


async def analyze_with(
    analyzers: Mapping[str, ReviewAnalyzer | None], submission: Submission, *, deadline: float
) -> list[AnalysisReport]:
    """All analyzers at once, each within the deadline and tried three times when it fails."""
    return list(
        await asyncio.gather(*(_one(name, analyzer, submission, deadline) for name, analyzer in analyzers.items()))
    )


def joined(reports: list[AnalysisReport], suppressed: Mapping[str, str], past: list[dict[str, Any]]) -> dict[str, Any]:
    """The analysis as it is stored: findings of all analyzers, score with its breakdown, permissions, insights.

    `suppressed` maps fingerprints to reasons; an insight may raise the score by at most ten points within the band of a person's review.
    """
    findings = [finding for report in reports for finding in report.findings][:_MOST_FINDINGS]
    findings = [
        msgspec.structs.replace(
            finding, suppressed=finding.fingerprint in suppressed and finding.category != "analysis_incomplete"
        )
        for finding in findings
    ]
    score = score_findings(findings)
    insights, raised = insights_for(findings, past)
    risk = min(100, score.risk_score + raised)
    complete = all(report.complete for report in reports) and bool(reports)
    sure = min((f.confidence for f in findings if f.severity != "info" and not f.suppressed), default=0.95)
    observed = sorted({item.permission: item.line for report in reports for item in report.observed}.items())
    views = [
        finding_view(finding, number, suppressed.get(finding.fingerprint)) for number, finding in enumerate(findings, 1)
    ]
    return {
        "risk_score": risk,
        "risk": band_of(risk),
        "complete": complete,
        "confidence": round(sure if complete else min(sure, 0.5), 4),
        "findings": views,
        "recommendations": list(
            dict.fromkeys(
                f.recommendation for f in findings if not f.suppressed and f.severity != "info" and f.recommendation
            )
        ),
        "rag_insights": insights,
        "score_breakdown": msgspec.to_builtins(score.breakdown),
        "lifted_by": list(score.lifted_by),
        "permissions_observed": [{"permission": name, "line": line} for name, line in observed],
        "analyzers": [
            {"name": r.analyzer, "version": r.version, "ruleset": r.ruleset, "complete": r.complete} for r in reports
        ],
        "language": next((r.language for r in reports if r.language), ""),
        "normalised_hash": next((r.normalised_hash for r in reports if r.normalised_hash), ""),
    }


def finding_view(finding: Finding, number: int, reason: str | None) -> dict[str, Any]:
    """A finding as the API shows it: the seed's fields first, then ours."""
    return {
        "severity": finding.severity,
        "category": finding.category,
        "description": finding.description,
        "location": finding.location,
        "recommendation": finding.recommendation,
        "finding_id": f"F{number:03d}",
        "rule_id": finding.rule,
        "title": finding.title,
        "confidence": finding.confidence,
        "line": finding.line,
        "end_line": finding.end_line,
        "where": finding.where,
        "cwe": finding.cwe,
        "snippet": finding.snippet,
        "trace": msgspec.to_builtins(finding.trace),
        "fingerprint": finding.fingerprint,
        "analyzer": finding.analyzer,
        "suppressed": finding.suppressed,
        **({"suppression_reason": reason} if reason and finding.suppressed else {}),
    }
