"""Statistics, events, audit, logout."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from symbi.http import ServerEvent, event_stream, last_event_id
from symbi.store import insert_ignore
from symbi_review.api.answers import Answer, Call, number
from symbi_review.api.sessions import visible
from symbi_review.audit import verify_chain
from symbi_review.durations import rfc3339
from symbi_review.errors import ApiError, invalid
from symbi_review.flow.transitions import load
from symbi_review.stats import statistics
from symbi_review.tables import AUDIT, EVENTS, TOKENS

__all__ = ["all_events", "check_audit", "logout", "session_audit", "session_events", "stats"]


async def stats(call: Call) -> Answer:
    """GET /stats, optionally `since`, `until` (RFC 3339) and `limit`."""
    call.caller.need("tool:approve", "tool:audit")
    since, until = _moment(call, "since"), _moment(call, "until")
    limit = number(call, "limit", default=10, least=1, most=100)
    return Answer(await call.service.store.read(lambda c: statistics(c, since=since, until=until, limit=limit)))


def _moment(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid(name, "invalid_format", f"{name} must be RFC 3339") from None


async def session_audit(call: Call) -> Answer:
    """GET /sessions/{id}/audit."""

    def read(conn: Connection) -> list[dict[str, Any]]:
        visible(load(conn, call.params["id"]), call.caller)
        rows = conn.execute(
            select(AUDIT).where(AUDIT.c.review_id == call.params["id"]).order_by(AUDIT.c.seq)
        ).mappings()
        return [{**row, "at": rfc3339(row["at"])} for row in rows]

    return Answer({"records": await call.service.store.read(read)})


async def check_audit(call: Call) -> Answer:
    """GET /review/verify-audit."""
    call.caller.need("tool:audit", "tool:approve")
    return Answer(await call.service.store.read(verify_chain))


async def all_events(call: Call) -> Answer:
    """GET /review/events: server-sent events of all sessions, resumable by Last-Event-ID."""
    call.caller.need("tool:approve", "tool:audit")
    return _stream(call, None)


async def session_events(call: Call) -> Answer:
    """GET /sessions/{id}/events: server-sent events of one session."""
    visible(await call.service.store.read(load, call.params["id"]), call.caller)
    return _stream(call, call.params["id"])


def _stream(call: Call, review_id: str | None) -> Answer:
    after = last_event_id(call.request)
    return Answer(stream=event_stream(call.request, _events(call, review_id, after)))


async def _events(call: Call, review_id: str | None, after: int) -> AsyncIterator[ServerEvent]:
    while True:
        condition: Any = EVENTS.c.seq > after
        if review_id is not None:
            condition &= EVENTS.c.review_id == review_id
        query = select(EVENTS).where(condition).order_by(EVENTS.c.seq).limit(100)
        rows = await call.service.store.read(lambda c, q=query: c.execute(q).mappings().all())
        for row in rows:
            after = row["seq"]
            yield ServerEvent(id=row["seq"], event=row["type"], data={"id": row["event_id"], **row["body"]})
        if not rows:
            await call.service.wait_change(1.0)


async def logout(call: Call) -> Answer:
    """POST /review/logout: the token of this request is not accepted again."""
    caller = call.caller
    if not caller.jti:
        raise ApiError(
            400,
            "INVALID_REQUEST",
            "This token has no jti and cannot be revoked.",
            details={"field": "jti", "reason": "missing_required_field"},
        )
    now = call.service.now()

    def work(conn: Connection) -> None:
        conn.execute(delete(TOKENS).where(TOKENS.c.until < now - 60_000))
        insert_ignore(
            conn,
            TOKENS,
            {"issuer": caller.issuer, "jti": caller.jti, "until": caller.until * 1000},
            key=("issuer", "jti"),
        )

    await call.service.store.write(work)
    return Answer({"status": "ok"})
