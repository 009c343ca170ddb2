"""The human queue: who waits, how long, in which order (toolreview.md §1.7)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from symbi_review.durations import duration_text, rfc3339
from symbi_review.flow.states import WAITS_FOR_PEOPLE
from symbi_review.flow.transitions import Row
from symbi_review.tables import ANALYSES, SESSIONS

__all__ = ["priority_of", "queue_view"]

_DAY_MS = 86_400_000
_PRIORITY = {"low": -10, "normal": 0, "high": 10, "urgent": 20}


def priority_of(row: Row, criticals: int, now: int) -> tuple[int, str]:
    """(score, word): risk, ten for each full day of waiting (thirty at most), the submitter's wish, five for each critical finding (fifteen at most)."""  # noqa: E501  # one list, one place
    days = max(0, now - (row["escalated_at"] or row["created_at"])) // _DAY_MS
    score = (row["risk_score"] or 0) + min(30, 10 * days) + _PRIORITY[row["priority"]] + min(15, 5 * criticals)
    word = "urgent" if score >= 110 else "high" if score >= 70 else "normal" if score >= 40 else "low"
    return score, word


def queue_view(conn: Connection, *, now: int) -> dict[str, Any]:
    """The answer of `GET /review/queue`, most urgent first."""
    query = select(SESSIONS).where(SESSIONS.c.status.in_(sorted(WAITS_FOR_PEOPLE)))
    rows = conn.execute(query).mappings().all()
    reports = (
        dict(
            conn.execute(
                select(ANALYSES.c.analysis_id, ANALYSES.c.report).where(
                    ANALYSES.c.analysis_id.in_([r["analysis_id"] for r in rows])
                )
            ).all()
        )
        if rows
        else {}
    )
    items = []
    for row in rows:
        findings = (reports.get(row["analysis_id"]) or {}).get("findings", [])
        criticals = sum(1 for finding in findings if finding["severity"] == "critical" and not finding["suppressed"])
        score, word = priority_of(row, criticals, now)
        items.append((-score, row["created_at"], row["review_id"], word, row))
    items.sort(key=lambda item: item[:3])
    waits = [max(0, now - (row["escalated_at"] or row["created_at"])) / 1000 for *_, row in items]
    mean = sum(waits) / len(waits) if waits else 0.0
    return {
        "pending_reviews": [_item(row, -negative, word) for negative, _, _, word, row in items],
        "queue_stats": {
            "total_pending": len(items),
            "high_priority": sum(1 for *_, word, _ in items if word in ("high", "urgent")),
            "average_wait_time": duration_text(mean),
            "average_wait_seconds": round(mean),
        },
    }


def _item(row: Row, score: int, word: str) -> dict[str, Any]:
    return {
        "review_id": row["review_id"],
        "tool_name": row["tool_name"],
        "risk_score": row["risk_score"],
        "priority": word,
        "assigned_to": row["assigned_to"],
        "escalated_at": rfc3339(row["escalated_at"]),
        "tool_version": row["tool_version"],
        "author": row["author"],
        "status": row["status"],
        "priority_score": score,
        "created_at": rfc3339(row["created_at"]),
        "analysis_id": row["analysis_id"],
        "lease_until": rfc3339(row["lease_until"]) if row["status"] == "under_review" else None,
        "approvals": len(row["approvals"] or []),
        "sla_escalations": row["escalations"] or [],
    }
