"""People's part: claiming, releasing, deciding, with four eyes (toolreview.md §1.7)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from symbi_review.access import Caller
from symbi_review.config import ReviewConfig
from symbi_review.durations import rfc3339
from symbi_review.errors import ApiError, invalid, missing
from symbi_review.flow.conditions import canonical_condition
from symbi_review.flow.states import WAITS_FOR_PEOPLE, allowed_from
from symbi_review.flow.transitions import Row, move
from symbi_review.validation import text_field, text_list

__all__ = ["Decision", "check_conflict", "claim", "decide", "read_decision", "release"]

_WORDS = ("approve", "reject", "request_changes")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A valid body of `POST /review/{id}/decision`."""

    decision: str
    comments: str
    conditions: tuple[str, ...]
    reviewer_id: str
    analysis_id: str
    source_sha256: str


def read_decision(body: dict[str, Any], caller: Caller) -> Decision:
    """Validate the body; the reviewer is the token's, and a given one must be the same person."""
    word = text_field(body, "decision", most=64, required=True, message="A decision is required")
    if word not in _WORDS:
        raise invalid("decision", "not_in_enum", "The decision is not one of those allowed", allowed=list(_WORDS))
    comments = text_field(body, "comments", most=16_384)
    conditions = text_list(body, "conditions", most=64, most_each=1024)
    if word == "reject" and conditions:
        raise invalid("conditions", "not_allowed", "A rejection has no conditions")
    if word == "request_changes" and not comments.strip() and not conditions:
        raise missing("comments", "Say what must be changed, in comments or conditions")
    if (word == "reject" or (word == "request_changes" and not conditions)) and len(comments.strip()) < 10:
        raise missing("comments", "Comments of at least 10 characters are required for this decision")
    reviewer = text_field(body, "reviewer_id", most=254) or caller.subject
    if reviewer.casefold() not in caller.names():
        raise ApiError(
            403,
            "IDENTITY_MISMATCH",
            "reviewer_id is not the person of the token.",
            details={"field": "reviewer_id", "reason": "identity_mismatch"},
        )
    return Decision(
        decision=word,
        comments=comments,
        conditions=conditions,
        reviewer_id=reviewer,
        analysis_id=text_field(body, "analysis_id", most=64),
        source_sha256=text_field(body, "source_sha256", most=64),
    )


def check_conflict(row: Row, caller: Caller) -> None:
    """Four eyes: neither the submitter nor the author nor whoever decided what is appealed."""
    names = caller.names()
    if row["submitter"] == caller.key or str(row["author"]).casefold() in names:
        raise ApiError(
            403,
            "REVIEWER_CONFLICT",
            "Submitters and authors do not review their own tools.",
            details={"reason": "four_eyes"},
        )
    if names & {str(name).casefold() for name in row["not_by"] or []}:
        raise ApiError(
            403, "REVIEWER_CONFLICT", "An appeal goes to another person.", details={"reason": "decided_before"}
        )


def claim(conn: Connection, row: Row, caller: Caller, *, now: int, minutes: int) -> Row:
    """Take an item for a while; taking it again renews the lease."""
    check_conflict(row, caller)
    if row["status"] == "under_review" and row["claimed_by"] != caller.key and (row["lease_until"] or 0) > now:
        raise ApiError(
            409,
            "REVIEW_CLAIMED",
            "Somebody else has claimed this review.",
            details={"lease_until": rfc3339(row["lease_until"])},
        )
    return move(
        conn,
        row,
        "claim",
        actor=caller.key,
        now=now,
        claimed_by=caller.key,
        assigned_to=caller.email or caller.subject,
        lease_until=now + minutes * 60_000,
    )


def release(conn: Connection, row: Row, caller: Caller, *, now: int) -> Row:
    """Give an item back."""
    if row["status"] == "under_review" and row["claimed_by"] != caller.key and not caller.admin:
        raise ApiError(
            409,
            "REVIEW_CLAIMED",
            "Somebody else has claimed this review.",
            details={"lease_until": rfc3339(row["lease_until"])},
        )
    return move(conn, row, "release", actor=caller.key, now=now, claimed_by=None, assigned_to=None, lease_until=None)


def decide(
    conn: Connection, row: Row, decision: Decision, caller: Caller, config: ReviewConfig, *, now: int, etag: str | None
) -> dict[str, Any]:
    """Carry out a decision and give the answer of the API."""
    check_conflict(row, caller)
    _check_state(row, caller, now)
    _check_fresh(row, decision, etag)
    record = _record(row, decision, caller, now)
    freed = {"claimed_by": None, "assigned_to": None, "lease_until": None}
    common: dict[str, Any] = {"actor": caller.key, "now": now, "reason": decision.comments, **freed}
    if decision.decision != "approve":
        expires = now + config.changes_days * 86_400_000 if decision.decision == "request_changes" else None
        final = {"decision": record, "decided_at": now, "conditions": record["conditions"], "expires_at": expires}
        after = move(conn, row, decision.decision, approvals=[], **final, **common)
        return _answer(row, decision, now, after["status"])
    approvals = [*(row["approvals"] or []), record]
    if len({item["by"] for item in approvals}) < len(approvals):
        message = "You have approved this already; a second person must."
        raise ApiError(409, "ALREADY_DECIDED", message, details={"first": approvals[0]})
    two = config.two_person_min_risk is not None and (row["risk_score"] or 0) >= config.two_person_min_risk
    if two and len(approvals) < 2:
        move(conn, row, "first_approval", approvals=approvals, **common)
        return _answer(row, decision, now, "pending_second_approval")
    every = list(dict.fromkeys(condition for item in approvals for condition in item["conditions"]))
    final = {"decision": record, "decided_at": now, "conditions": every, "tries": 0, "next_try_at": now}
    after = move(conn, row, "approve", approvals=approvals, **final, **common)
    return _answer(row, decision, now, after["status"])


def _record(row: Row, decision: Decision, caller: Caller, now: int) -> dict[str, Any]:
    """What is kept of a decision; `by` is the token's identity, whatever name the reviewer goes by."""
    known = [canonical_condition(text) for text in decision.conditions]
    return {
        "decision": decision.decision,
        "reviewer_id": decision.reviewer_id,
        "by": caller.key,
        "comments": decision.comments,
        "conditions": known if decision.decision == "approve" else list(decision.conditions),
        "processed_at": rfc3339(now),
        "analysis_id": row["analysis_id"],
        "source_sha256": row["source_sha256"],
    }


def _answer(row: Row, decision: Decision, now: int, status: str) -> dict[str, Any]:
    return {
        "review_id": row["review_id"],
        "decision": decision.decision,
        "processed_at": rfc3339(now),
        "next_status": status,
    }


def _check_state(row: Row, caller: Caller, now: int) -> None:
    if row["status"] not in WAITS_FOR_PEOPLE:
        if row["decision"] is not None and row["decided_at"] is not None and row["status"] != "analyzing":
            first = {key: row["decision"].get(key) for key in ("decision", "reviewer_id", "processed_at")}
            raise ApiError(
                409,
                "ALREADY_DECIDED",
                "This review has been decided.",
                details={"first": first, "status": row["status"]},
            )
        details = {"status": row["status"], "action": "decide", "allowed": allowed_from(row["status"])}
        raise ApiError(
            409, "INVALID_STATE_TRANSITION", f"A session in state {row['status']} cannot be decided.", details=details
        )
    held = row["status"] == "under_review" and row["claimed_by"] != caller.key and (row["lease_until"] or 0) > now
    if held and not caller.admin:
        raise ApiError(
            409,
            "REVIEW_CLAIMED",
            "Somebody else has claimed this review.",
            details={"lease_until": rfc3339(row["lease_until"])},
        )


def _check_fresh(row: Row, decision: Decision, etag: str | None) -> None:
    stale = (decision.analysis_id and decision.analysis_id != row["analysis_id"]) or (
        decision.source_sha256 and decision.source_sha256 != row["source_sha256"]
    )
    if etag is not None and etag not in ("*", f'"{row["review_id"]}-{row["version"]}"'):
        stale = True
    if stale:
        details = {"analysis_id": row["analysis_id"], "source_sha256": row["source_sha256"]}
        raise ApiError(412, "STALE_REVIEW", "The review has changed since you looked at it.", details=details)
