"""The reviewers' side: queue, claims, decisions, suppressions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from symbi.store import upsert
from symbi_review import audit
from symbi_review.api.answers import Answer, Call
from symbi_review.api.sessions import visible
from symbi_review.durations import rfc3339
from symbi_review.errors import ApiError, invalid, not_found
from symbi_review.flow import decisions
from symbi_review.flow.human_queue import queue_view
from symbi_review.flow.states import WAITS_FOR_PEOPLE
from symbi_review.flow.transitions import Row, load, move
from symbi_review.tables import ANALYSES, SESSIONS, SUPPRESSIONS
from symbi_review.validation import text_field

__all__ = [
    "assign",
    "claim_review",
    "decide_review",
    "queue",
    "reanalyze",
    "release_review",
    "reprioritise",
    "suppress",
]


async def queue(call: Call) -> Answer:
    """GET /review/queue."""
    call.caller.need("tool:approve", "tool:audit")
    now = call.service.now()
    return Answer(await call.service.store.read(lambda c: queue_view(c, now=now)))


async def claim_review(call: Call) -> Answer:
    """POST /review/{id}/claim."""
    call.caller.need("tool:approve")
    now, minutes = call.service.now(), call.service.config.claim_minutes
    row = await call.service.store.write(
        lambda c: decisions.claim(
            c, visible(load(c, call.params["id"]), call.caller), call.caller, now=now, minutes=minutes
        )
    )
    return Answer(
        {
            "review_id": row["review_id"],
            "status": row["status"],
            "assigned_to": row["assigned_to"],
            "lease_until": rfc3339(row["lease_until"]),
        }
    )


async def release_review(call: Call) -> Answer:
    """POST /review/{id}/release."""
    call.caller.need("tool:approve")
    now = call.service.now()
    row = await call.service.store.write(
        lambda c: decisions.release(c, visible(load(c, call.params["id"]), call.caller), call.caller, now=now)
    )
    call.service.wake()
    return Answer({"review_id": row["review_id"], "status": row["status"], "assigned_to": None})


async def decide_review(call: Call) -> Answer:
    """POST /review/{id}/decision."""
    call.caller.need("tool:approve")
    decision = decisions.read_decision(call.body, call.caller)
    now, etag = call.service.now(), call.headers.get("if-match")

    def work(conn: Connection) -> dict[str, Any]:
        row = visible(load(conn, call.params["id"]), call.caller)
        return decisions.decide(conn, row, decision, call.caller, call.service.config, now=now, etag=etag)

    try:
        body = await call.service.store.write(work)
    except ApiError as error:
        if error.status == 403:
            await _note_refusal(call, error, now)
        raise
    call.service.wake()
    return Answer(body)


async def _note_refusal(call: Call, error: ApiError, now: int) -> None:
    """A refused attempt at the four-eyes rule is on record too (TR-04)."""
    await call.service.store.write(
        lambda c: audit.append(
            c,
            at=now,
            review_id=call.params["id"][:36],
            actor=call.caller.key,
            action="decision_refused",
            reason=error.error_code,
        )
    )


async def assign(call: Call) -> Answer:
    """POST /review/{id}/assign {reviewer, reason}: an admin gives an item to somebody."""
    call.caller.need("tool:admin")
    reviewer = text_field(call.body, "reviewer", most=254, required=True, message="A reviewer is required")
    reason = text_field(call.body, "reason", most=4096, required=True, message="A reason is required")
    return await _change(call, "assign", reason, assigned_to=reviewer)


async def reprioritise(call: Call) -> Answer:
    """POST /review/{id}/priority {priority, reason}."""
    call.caller.need("tool:admin")
    word = text_field(call.body, "priority", most=16, required=True, message="A priority is required")
    if word not in ("low", "normal", "high", "urgent"):
        raise invalid(
            "priority",
            "not_in_enum",
            "priority is not one of those allowed",
            allowed=["low", "normal", "high", "urgent"],
        )
    reason = text_field(call.body, "reason", most=4096, required=True, message="A reason is required")
    return await _change(call, "reprioritise", reason, priority=word)


async def _change(call: Call, action: str, reason: str, **values: Any) -> Answer:
    now = call.service.now()

    def work(conn: Connection) -> Row:
        row = visible(load(conn, call.params["id"]), call.caller)
        if row["status"] not in WAITS_FOR_PEOPLE:
            raise ApiError(
                409,
                "INVALID_STATE_TRANSITION",
                "The session does not wait for people.",
                details={"status": row["status"], "action": action},
            )
        conn.execute(update(SESSIONS).where(SESSIONS.c.review_id == row["review_id"]).values(**values))
        audit.append(
            conn,
            at=now,
            review_id=row["review_id"],
            actor=call.caller.key,
            action=action,
            from_status=row["status"],
            to_status=row["status"],
            reason=reason,
        )
        return {**row, **values}

    row = await call.service.store.write(work)
    return Answer(
        {
            "review_id": row["review_id"],
            "status": row["status"],
            "assigned_to": row["assigned_to"],
            "priority": row["priority"],
        }
    )


async def reanalyze(call: Call) -> Answer:
    """POST /analysis/{review id}/reanalyze: 202."""
    call.caller.need("tool:admin", "tool:analyze")
    reason = text_field(call.body, "reason", most=4096) or "asked for"
    now = call.service.now()

    def work(conn: Connection) -> Row:
        row = visible(load(conn, call.params["id"]), call.caller)
        return move(
            conn,
            row,
            "reanalyze",
            actor=call.caller.key,
            now=now,
            reason=reason,
            lease_until=0,
            claimed_by=None,
            approvals=[],
        )

    row = await call.service.store.write(work)
    call.service.wake()
    return Answer(
        {"review_id": row["review_id"], "status": row["status"], "updated_at": rfc3339(row["updated_at"])}, status=202
    )


async def suppress(call: Call) -> Answer:
    """POST /review/{id}/suppress {fingerprint, reason, expires_at}: accept a finding of exactly this source, then analyze again."""
    call.caller.need("tool:approve")
    fingerprint = text_field(call.body, "fingerprint", most=64, required=True, message="A fingerprint is required")
    reason = text_field(call.body, "reason", most=4096, required=True, message="A reason is required")
    until = _moment(text_field(call.body, "expires_at", most=40, required=True, message="expires_at is required"))
    now = call.service.now()
    if until <= now:
        raise invalid("expires_at", "out_of_range", "expires_at must be in the future")

    def work(conn: Connection) -> Row:
        row = visible(load(conn, call.params["id"]), call.caller)
        decisions.check_conflict(row, call.caller)
        report = conn.execute(
            select(ANALYSES.c.report).where(ANALYSES.c.analysis_id == row["analysis_id"])
        ).scalar() or {"findings": []}
        finding = next((item for item in report["findings"] if item["fingerprint"] == fingerprint), None)
        if finding is None:
            raise not_found()
        values = {
            "tool_name": row["tool_name"],
            "fingerprint": fingerprint,
            "source_sha256": row["source_sha256"],
            "rule": finding["rule_id"],
            "owner": call.caller.key,
            "reason": reason,
            "expires_at": until,
        }
        upsert(conn, SUPPRESSIONS, values, key=("tool_name", "fingerprint", "source_sha256"))
        return move(
            conn,
            row,
            "reanalyze",
            actor=call.caller.key,
            now=now,
            reason=f"suppressed {finding['rule_id']}: {reason}",
            lease_until=0,
            claimed_by=None,
            approvals=[],
        )

    row = await call.service.store.write(work)
    call.service.wake()
    return Answer(
        {
            "review_id": row["review_id"],
            "status": row["status"],
            "fingerprint": fingerprint,
            "expires_at": rfc3339(until),
        },
        status=202,
    )


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise invalid("expires_at", "invalid_format", "expires_at must be RFC 3339") from None
    if moment.tzinfo is None:
        raise invalid("expires_at", "invalid_format", "expires_at needs a time zone")
    return int(moment.timestamp() * 1000)
