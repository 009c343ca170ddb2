"""One transition is one transaction: compare and set, an audit record, an event (toolreview.md §1.3)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from symbi_review import audit
from symbi_review.durations import rfc3339
from symbi_review.errors import ApiError
from symbi_review.flow.states import allowed_from, target_of
from symbi_review.tables import EVENTS, SESSIONS

__all__ = ["EVENT_OF", "Row", "emit", "load", "move"]

Row = Mapping[Any, Any]

EVENT_OF = {
    "submit": "tool.submitted",
    "resubmit": "tool.submitted",
    "auto_approve": "tool.approved",
    "approve": "tool.approved",
    "auto_reject": "tool.rejected",
    "reject": "tool.rejected",
    "give_up_signing": "tool.rejected",
    "route_to_people": "review.required",
    "appeal": "review.required",
    "request_changes": "changes.requested",
    "sign": "tool.signed",
    "signing_fails": "signing.failed",
    "revoke": "tool.revoked",
    "withdraw": "tool.withdrawn",
    "expire": "tool.expired",
    "escalate": "review.escalated",
    "analyzed": "analysis.completed",
}


def load(conn: Connection, review_id: str) -> Row | None:
    """The session, or None."""
    return conn.execute(select(SESSIONS).where(SESSIONS.c.review_id == review_id)).mappings().first()


def move(conn: Connection, row: Row, action: str, *, actor: str, now: int, reason: str = "", **changes: Any) -> Row:
    """Carry out an action on a session as it was read. Raises 409 when the state does not allow it or has changed meanwhile."""
    target = target_of(action, row["status"])
    if target is None:
        details = {"status": row["status"], "action": action, "allowed": allowed_from(row["status"])}
        raise ApiError(
            409, "INVALID_STATE_TRANSITION", f"A session in state {row['status']} does not allow this.", details=details
        )
    values = {**changes, "status": target, "version": row["version"] + 1, "updated_at": now}
    where = (
        (SESSIONS.c.review_id == row["review_id"])
        & (SESSIONS.c.status == row["status"])
        & (SESSIONS.c.version == row["version"])
    )
    if conn.execute(update(SESSIONS).where(where).values(**values)).rowcount != 1:
        raise ApiError(409, "CONFLICT", "The session has changed meanwhile.", details={"reason": "concurrent_change"})
    after = {**row, **values}
    audit.append(
        conn,
        at=now,
        review_id=row["review_id"],
        actor=actor,
        action=action,
        from_status=row["status"],
        to_status=target,
        reason=reason[:4000],
        analysis_id=after.get("analysis_id"),
        source_sha256=after["source_sha256"],
    )
    if action in EVENT_OF:
        emit(conn, EVENT_OF[action], after, now=now, reason=reason)
    return after


def emit(conn: Connection, kind: str, row: Row, *, now: int, **more: Any) -> None:
    """Put an event in the outbox; it is delivered at least once, with an id to tell repeats by."""
    seq = (conn.execute(select(func.max(EVENTS.c.seq))).scalar() or 0) + 1
    body = {
        "event": kind,
        "review_id": row["review_id"],
        "tool_name": row["tool_name"],
        "tool_version": row["tool_version"],
        "status": row["status"],
        "risk_score": row["risk_score"],
        "at": rfc3339(now),
        **{key: value for key, value in more.items() if value not in ("", None)},
    }
    conn.execute(
        insert(EVENTS).values(
            seq=seq,
            event_id=str(uuid.uuid4()),
            type=kind,
            at=now,
            review_id=row["review_id"],
            submitter=row["submitter"],
            body=body,
            delivered=False,
            tries=0,
            next_try_at=0,
        )
    )
