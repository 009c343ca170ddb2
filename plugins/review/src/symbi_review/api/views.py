"""Sessions and analyses as the API shows them: the seed's fields first, ours after them."""

from __future__ import annotations

from typing import Any

from symbi_review.durations import rfc3339
from symbi_review.flow.transitions import Row

__all__ = ["analysis_view", "etag_of", "session_item", "session_view"]


def etag_of(row: Row) -> str:
    """The strong ETag of a session, which changes with every transition."""
    return f'"{row["review_id"]}-{row["version"]}"'


def session_item(row: Row) -> dict[str, Any]:
    """One line of `GET /sessions`."""
    return {
        "review_id": row["review_id"],
        "tool_name": row["tool_name"],
        "status": row["status"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "tool_version": row["tool_version"],
        "author": row["author"],
        "risk_score": row["risk_score"],
    }


def session_view(
    row: Row, report: dict[str, Any] | None, *, reviewer: bool, previous: Row | None = None
) -> dict[str, Any]:
    """`GET /sessions/{id}`; before the first analysis the results are null."""
    results = (
        {
            "risk_score": report["risk_score"],
            "findings": report["findings"],
            "recommendations": report["recommendations"],
        }
        if report is not None
        else None
    )
    view = {
        "review_id": row["review_id"],
        "tool_name": row["tool_name"],
        "tool_version": row["tool_version"],
        "status": row["status"],
        "analysis_results": results,
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "analysis_id": row["analysis_id"],
        "author": row["author"],
        "metadata": row["metadata"],
        "source_sha256": row["source_sha256"],
        "priority": row["priority"],
        "policy": row["policy"],
        "decision": row["decision"],
        "conditions": row["conditions"] or [],
        "assigned_to": row["assigned_to"],
        "expires_at": rfc3339(row["expires_at"]),
        "revoked": row["revoked"],
        "supersedes": row["supersedes"],
        "last_error": row["last_error"],
    }
    if reviewer:
        view["source_code"] = row["source_code"]
        if previous is not None:
            view["changes"] = _changes(previous, row)
    return view


def _changes(old: Row, new: Row) -> dict[str, Any]:
    import difflib

    diff = "\n".join(
        difflib.unified_diff(
            old["source_code"].splitlines(),
            new["source_code"].splitlines(),
            old["tool_version"],
            new["tool_version"],
            lineterm="",
        )
    )
    changed = sorted(key for key in new["metadata"] if old["metadata"].get(key) != new["metadata"][key])
    return {
        "since": old["review_id"],
        "metadata": {key: {"was": old["metadata"].get(key), "is": new["metadata"][key]} for key in changed},
        "source_diff": diff[: 1 << 18],
    }


def analysis_view(row: Any) -> dict[str, Any]:
    """`GET /analysis/{id}`."""
    report = row.report
    first = {
        "analysis_id": row.analysis_id,
        "review_id": row.review_id,
        "risk_score": row.risk_score,
        "analysis_type": "automated",
        "findings": report["findings"],
        "rag_insights": report["rag_insights"],
        "completed_at": rfc3339(row.completed_at),
    }
    rest = {key: value for key, value in report.items() if key not in first and key != "normalised_hash"}
    return {**first, **rest, "source_sha256": row.source_sha256}
