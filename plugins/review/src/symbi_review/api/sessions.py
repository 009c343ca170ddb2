"""Submissions and what becomes of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from symbi_review.access import Caller
from symbi_review.api.answers import Answer, Call, number
from symbi_review.api.views import analysis_view, etag_of, session_item, session_view
from symbi_review.durations import rfc3339
from symbi_review.errors import invalid, not_found
from symbi_review.flow import submissions
from symbi_review.flow.states import GROUPS, STATUSES
from symbi_review.flow.transitions import Row, load
from symbi_review.tables import ANALYSES, SESSIONS
from symbi_review.validation import read_session, text_field

__all__ = [
    "appeal_session",
    "get_analysis",
    "get_session",
    "list_sessions",
    "resubmit_session",
    "submit",
    "visible",
    "withdraw_session",
]

_MOST_WAIT = 30


def visible(row: Row | None, caller: Caller) -> Row:
    """The session, if the caller may see it; else the same 404 as for one that does not exist."""
    if row is None or not (caller.reads_all or row["submitter"] == caller.key):
        raise not_found()
    return row


def owned(row: Row | None, caller: Caller) -> Row:
    """The session, if it is the caller's own."""
    found = visible(row, caller)
    if found["submitter"] != caller.key and not caller.admin:
        caller.need("tool:admin")
    return found


async def submit(call: Call) -> Answer:
    """POST /sessions."""
    call.caller.need("tool:review")
    new = read_session(call.body)
    review_id, now = str(call.service.context.ids.uuid()), call.service.now()
    row = await call.service.store.write(
        lambda c: submissions.create(
            c, new, call.caller, review_id=review_id, now=now, most_waiting=call.service.config.max_queue
        )
    )
    call.service.wake()
    body = {"review_id": row["review_id"], "status": row["status"], "created_at": rfc3339(row["created_at"])}
    return Answer(body, status=201, headers={"Location": f"/api/v1/sessions/{row['review_id']}"})


async def list_sessions(call: Call) -> Answer:
    """GET /sessions."""
    if not call.caller.reads_all:
        call.caller.need("tool:review")
    page = number(call, "page", default=1, least=1, most=1_000_000)
    limit = number(call, "limit", default=20, least=1, most=100)
    status, author = call.query.get("status"), call.query.get("author")
    condition: Any = SESSIONS.c.review_id.is_not(None)
    if status is not None:
        if status not in STATUSES and status not in GROUPS:
            raise invalid("status", "not_in_enum", "status is not one of those known", allowed=[*STATUSES, *GROUPS])
        condition &= SESSIONS.c.status.in_(sorted(GROUPS.get(status, {status})))
    if author is not None:
        condition &= SESSIONS.c.author == author
    if not call.caller.reads_all:
        condition &= SESSIONS.c.submitter == call.caller.key

    def read(conn: Connection) -> tuple[int, list[Row]]:
        total = conn.execute(select(func.count()).select_from(SESSIONS).where(condition)).scalar_one()
        query = (
            select(SESSIONS)
            .where(condition)
            .order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.review_id)
            .limit(limit)
            .offset((page - 1) * limit)
        )
        return total, list(conn.execute(query).mappings().all())

    total, rows = await call.service.store.read(read)
    pagination = {"page": page, "limit": limit, "total": total, "has_next": page * limit < total}
    return Answer({"sessions": [session_item(row) for row in rows], "pagination": pagination})


async def get_session(call: Call) -> Answer:
    """GET /sessions/{id}; with `wait=SECONDS` the answer comes when the state changes, or the time is over."""
    wait = number(call, "wait", default=0, least=0, most=_MOST_WAIT)
    reviewer = call.caller.reads_all

    def read(conn: Connection) -> tuple[Row, dict[str, Any] | None, Row | None]:
        row = visible(load(conn, call.params["id"]), call.caller)
        report = (
            conn.execute(select(ANALYSES.c.report).where(ANALYSES.c.analysis_id == row["analysis_id"])).scalar()
            if row["analysis_id"]
            else None
        )
        same = (
            (SESSIONS.c.tool_name == row["tool_name"])
            & (SESSIONS.c.author == row["author"])
            & (SESSIONS.c.status == "signed")
            & (SESSIONS.c.review_id != row["review_id"])
        )
        previous = (
            conn.execute(
                select(SESSIONS)
                .where(same)
                .order_by(SESSIONS.c.signed_at.desc(), SESSIONS.c.decided_at.desc(), SESSIONS.c.created_at.desc())
                .limit(1)
            )
            .mappings()
            .first()
            if reviewer
            else None
        )
        return row, report, previous

    row, report, previous = await call.service.store.read(read)
    first, clock = row["version"], call.service.context.clock
    end = clock.monotonic() + wait
    while wait and row["version"] == first and clock.monotonic() < end:
        await call.service.wait_change(min(1.0, wait))
        row, report, previous = await call.service.store.read(read)
    tag = etag_of(row)
    if call.headers.get("if-none-match") == tag:
        return Answer(None, status=304, headers={"ETag": tag})
    return Answer(
        session_view(row, report, reviewer=reviewer or row["submitter"] == call.caller.key, previous=previous),
        headers={"ETag": tag, "Cache-Control": "private, no-cache"},
    )


async def get_analysis(call: Call) -> Answer:
    """GET /analysis/{id}."""

    def read(conn: Connection) -> Any:
        row = conn.execute(select(ANALYSES).where(ANALYSES.c.analysis_id == call.params["id"])).first()
        if row is None:
            raise not_found()
        visible(load(conn, row.review_id), call.caller)
        return row

    return Answer(analysis_view(await call.service.store.read(read)))


def _brief(row: Row) -> dict[str, Any]:
    return {"review_id": row["review_id"], "status": row["status"], "updated_at": rfc3339(row["updated_at"])}


async def resubmit_session(call: Call) -> Answer:
    """POST /sessions/{id}/resubmit."""
    call.caller.need("tool:review")
    now = call.service.now()

    def work(conn: Connection) -> Row:
        row = owned(load(conn, call.params["id"]), call.caller)
        merged = {
            "tool_name": row["tool_name"],
            "tool_version": row["tool_version"],
            "metadata": row["metadata"],
            **call.body,
        }
        return submissions.resubmit(conn, row, read_session(merged), call.caller, now=now)

    row = await call.service.store.write(work)
    call.service.wake()
    return Answer(_brief(row))


async def withdraw_session(call: Call) -> Answer:
    """POST /sessions/{id}/withdraw."""
    now = call.service.now()
    row = await call.service.store.write(
        lambda c: submissions.withdraw(c, owned(load(c, call.params["id"]), call.caller), call.caller, now=now)
    )
    call.service.wake()
    return Answer(_brief(row))


async def appeal_session(call: Call) -> Answer:
    """POST /sessions/{id}/appeal {reason}."""
    reason = text_field(call.body, "reason", most=16_384, required=True, message="A reason is required")
    now = call.service.now()
    row = await call.service.store.write(
        lambda c: submissions.appeal(
            c, owned(load(c, call.params["id"]), call.caller), call.caller, now=now, reason=reason
        )
    )
    call.service.wake()
    return Answer(_brief(row))
