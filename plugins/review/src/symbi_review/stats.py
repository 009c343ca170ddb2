"""Statistics, exactly as toolreview.md §1.11 defines them; the seed's example satisfies every line."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import Connection, select

from symbi.contracts.review import band_of
from symbi_review.durations import duration_text
from symbi_review.flow.states import APPROVED, PENDING
from symbi_review.tables import ANALYSES, SESSIONS

__all__ = ["percentages", "statistics"]

_COLUMNS = (
    SESSIONS.c.status,
    SESSIONS.c.created_at,
    SESSIONS.c.decided_at,
    SESSIONS.c.routed,
    SESSIONS.c.risk_score,
    SESSIONS.c.analysis_id,
)


def statistics(conn: Connection, *, since: int | None, until: int | None, limit: int) -> dict[str, Any]:
    """The answer of `GET /stats`."""
    query = select(*_COLUMNS)
    if since is not None:
        query = query.where(SESSIONS.c.created_at >= since)
    if until is not None:
        query = query.where(SESSIONS.c.created_at < until)
    rows = conn.execute(query).all()
    counts = {
        "approved": sum(1 for row in rows if row.status in APPROVED or row.status == "revoked"),
        "rejected": sum(1 for row in rows if row.status == "rejected"),
        "pending": sum(1 for row in rows if row.status in PENDING),
    }
    times = sorted((row.decided_at - row.created_at) / 1000 for row in rows if row.decided_at is not None)
    mean = sum(times) / len(times) if times else 0.0
    routed = [row.routed for row in rows if row.routed is not None]
    auto, human = _rates(sum(1 for way in routed if way == "auto"), len(routed))
    return {
        "workflow_stats": {
            "total_reviews": sum(counts.values()),
            **counts,
            "closed_otherwise": sum(1 for row in rows if row.status in ("withdrawn", "expired")),
        },
        "performance_metrics": {
            "average_review_time": duration_text(mean),
            "auto_approval_rate": auto,
            "human_review_rate": human,
            "average_review_time_seconds": round(mean),
            "p50_review_time_seconds": round(_quantile(times, 0.5)),
            "p95_review_time_seconds": round(_quantile(times, 0.95)),
        },
        "security_insights": {
            "common_vulnerabilities": _common(conn, [row.analysis_id for row in rows if row.analysis_id], limit),
            "risk_score_distribution": _bands([row.risk_score for row in rows if row.risk_score is not None]),
        },
    }


def _rates(auto: int, routed: int) -> tuple[float, float]:
    if routed == 0:
        return 0.0, 0.0
    rate = (Decimal(auto) / Decimal(routed)).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    return float(rate), float(Decimal(1) - rate)


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _common(conn: Connection, analysis_ids: list[str], limit: int) -> list[str]:
    seen: dict[str, int] = {}
    for start in range(0, len(analysis_ids), 500):
        part = analysis_ids[start : start + 500]
        for (report,) in conn.execute(select(ANALYSES.c.report).where(ANALYSES.c.analysis_id.in_(part))):
            for category in {
                finding["category"]
                for finding in report["findings"]
                if not finding["suppressed"] and finding["severity"] != "info"
            }:
                seen[category] = seen.get(category, 0) + 1
    return [name for name, _ in sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]]


def _bands(scores: list[int]) -> dict[str, int]:
    counts = {"low": 0, "medium": 0, "high": 0}
    for score in scores:
        counts[band_of(score)] += 1
    return percentages(counts)


def percentages(counts: dict[str, int]) -> dict[str, int]:
    """Whole percent by the largest remainder, which sum to 100; all zero when there is nothing."""
    total = sum(counts.values())
    if total == 0:
        return dict.fromkeys(counts, 0)
    shares = {name: divmod(count * 100, total) for name, count in counts.items()}
    result = {name: whole for name, (whole, _) in shares.items()}
    left = 100 - sum(result.values())
    for name in sorted(shares, key=lambda name: -shares[name][1])[:left]:
        result[name] += 1
    return result
