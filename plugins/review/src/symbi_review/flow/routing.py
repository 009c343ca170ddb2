"""From an analysis to its way: approved by policy, to people, or (only if switched on) rejected (toolreview.md §1.5)."""

from __future__ import annotations

from typing import Any

from symbi_review.config import ReviewConfig

__all__ = ["route"]

_FATAL = frozenset({"backdoor", "data_exfiltration", "credential_access"})


def route(report: dict[str, Any], config: ReviewConfig, *, has_source: bool, new_author: bool) -> tuple[str, str]:
    """(action, the policy's name and version): `auto_approve`, `route_to_people` or `auto_reject`."""
    live = [finding for finding in report["findings"] if not finding["suppressed"]]
    if (
        config.auto_reject
        and report["complete"]
        and report["risk_score"] >= 95
        and any(f["category"] in _FATAL and f["confidence"] >= 0.95 for f in live)
    ):
        return "auto_reject", "auto-reject/1"
    reasons = [
        not config.auto_approve,
        not has_source,
        not report["complete"],
        report["risk_score"] > config.auto_approve_max_risk,
        report["confidence"] < config.auto_approve_min_confidence,
        any(f["severity"] in ("high", "critical") for f in live),
        any(f["category"] == "permission_mismatch" and f["severity"] not in ("low", "info") for f in live)
        and config.auto_approve_max_risk < 40,
        any(f["category"] == "scanner_evasion" and f["severity"] != "info" for f in live),
        config.hold_new_authors and new_author,
    ]
    return ("route_to_people", "people/1") if any(reasons) else ("auto_approve", "auto-approve/1")
