"""Submitting, resubmitting, withdrawing, appealing: what a submitter can do."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, insert, select

from symbi_review import audit
from symbi_review.access import Caller
from symbi_review.errors import ApiError
from symbi_review.flow.states import APPROVED, PENDING
from symbi_review.flow.transitions import Row, emit, load, move
from symbi_review.tables import SESSIONS
from symbi_review.validation import NewSession

__all__ = ["appeal", "create", "digest_of", "known_names", "metadata_of", "resubmit", "withdraw"]


def digest_of(value: str | bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(value.encode("utf-8") if isinstance(value, str) else value).hexdigest()


def metadata_of(new: NewSession, author: str) -> dict[str, Any]:
    """What goes into `tool/metadata.json`."""
    return {
        "tool_name": new.tool_name,
        "tool_version": new.tool_version,
        "description": new.description,
        "author": author,
        "permissions": list(new.permissions),
    }


def canonical_digest(value: Any) -> str:
    """The digest of canonical JSON, as the signer takes it."""
    return digest_of(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def create(conn: Connection, new: NewSession, caller: Caller, *, review_id: str, now: int, most_waiting: int) -> Row:
    """Store a submission. Raises 409 for a second open session of the same tool, version and author, 503 past the hard stop."""
    author = new.author or caller.subject
    same = (
        (SESSIONS.c.tool_name == new.tool_name)
        & (SESSIONS.c.tool_version == new.tool_version)
        & (SESSIONS.c.author == author)
    )
    open_one = conn.execute(
        select(SESSIONS.c.review_id, SESSIONS.c.submitter, SESSIONS.c.status).where(
            same & SESSIONS.c.status.in_(sorted(PENDING | (APPROVED - {"signed"})))
        )
    ).first()
    if open_one is not None and open_one.review_id != new.supersedes:
        details = {"reason": "open_session_exists", "status": open_one.status}
        if open_one.submitter == caller.key or caller.reads_all:
            details["review_id"] = open_one.review_id
        raise ApiError(
            409, "DUPLICATE_SUBMISSION", "This version of the tool is already under review.", details=details
        )
    _supersede(conn, new, caller, now)
    waiting = conn.execute(
        select(SESSIONS.c.review_id)
        .where(SESSIONS.c.status.in_(["pending_review", "under_review"]))
        .limit(most_waiting)
    ).all()
    if len(waiting) >= most_waiting:
        raise ApiError(
            503, "QUEUE_FULL", "Too many tools wait for people; try again later.", headers={"Retry-After": "300"}
        )
    row = _new_row(new, caller, author, review_id, now)
    conn.execute(insert(SESSIONS).values(**row))
    audit.append(
        conn,
        at=now,
        review_id=review_id,
        actor=caller.key,
        action="submit",
        to_status="submitted",
        source_sha256=row["source_sha256"],
    )
    emit(conn, "tool.submitted", row, now=now)
    return row


def _new_row(new: NewSession, caller: Caller, author: str, review_id: str, now: int) -> dict[str, Any]:
    metadata = metadata_of(new, author)
    blank = {column.name: None for column in SESSIONS.columns}
    return {
        **blank,
        "review_id": review_id,
        "tool_name": new.tool_name,
        "tool_version": new.tool_version,
        "author": author,
        "submitter": caller.key,
        "status": "submitted",
        "version": 1,
        "source_code": new.source_code,
        "source_sha256": digest_of(new.source_code),
        "schema_text": new.schema_text,
        "language": new.language,
        "metadata": metadata,
        "metadata_sha256": canonical_digest(metadata),
        "priority": new.priority,
        "created_at": now,
        "updated_at": now,
        "tries": 0,
        "approvals": [],
        "not_by": [],
        "appealed": False,
        "escalations": [],
        "supersedes": new.supersedes,
    }


def _supersede(conn: Connection, new: NewSession, caller: Caller, now: int) -> None:
    if new.supersedes is None:
        return
    old = load(conn, new.supersedes)
    if old is None or (old["submitter"] != caller.key and not caller.admin):
        raise ApiError(
            404,
            "NOT_FOUND",
            "The superseded review does not exist or is not visible to you.",
            details={"field": "supersedes"},
        )
    if old["status"] in PENDING:
        move(conn, old, "withdraw", actor=caller.key, now=now, reason="superseded by a new submission")


def resubmit(conn: Connection, row: Row, new: NewSession, caller: Caller, *, now: int) -> Row:
    """New bytes for a session that was sent back; they are analyzed from the start, and every approval is void."""
    if new.tool_name != row["tool_name"] or (new.author and new.author != row["author"]):
        raise ApiError(
            409,
            "CONFLICT",
            "A resubmission keeps the tool's name and author.",
            details={"field": "tool_name", "reason": "changed"},
        )
    metadata = metadata_of(new, row["author"])
    return move(
        conn,
        row,
        "resubmit",
        actor=caller.key,
        now=now,
        tool_version=new.tool_version,
        source_code=new.source_code,
        source_sha256=digest_of(new.source_code),
        schema_text=new.schema_text,
        language=new.language,
        metadata=metadata,
        metadata_sha256=canonical_digest(metadata),
        analysis_id=None,
        risk_score=None,
        decision=None,
        decided_at=None,
        approvals=[],
        conditions=None,
        lease_until=0,
        tries=0,
        expires_at=None,
        claimed_by=None,
        assigned_to=None,
    )


def withdraw(conn: Connection, row: Row, caller: Caller, *, now: int) -> Row:
    """The submitter takes it back."""
    return move(conn, row, "withdraw", actor=caller.key, now=now)


def appeal(conn: Connection, row: Row, caller: Caller, *, now: int, reason: str) -> Row:
    """One appeal against a rejection; another reviewer must decide."""
    if row["status"] == "rejected" and row["appealed"]:
        raise ApiError(
            409, "CONFLICT", "This rejection has been appealed already.", details={"reason": "already_appealed"}
        )
    first = (row["decision"] or {}).get("reviewer_id")
    barred = [*(row["not_by"] or []), *([first] if first else [])]
    return move(
        conn,
        row,
        "appeal",
        actor=caller.key,
        now=now,
        reason=reason,
        appealed=True,
        not_by=barred,
        decision=None,
        decided_at=None,
        approvals=[],
        escalated_at=now,
        claimed_by=None,
        assigned_to=None,
    )


def known_names(conn: Connection, row: Row) -> tuple[str, ...]:
    """Names of approved tools by other authors, so that look-alikes are seen."""
    query = (
        select(SESSIONS.c.tool_name)
        .where((SESSIONS.c.status == "signed") & (SESSIONS.c.author != row["author"]))
        .distinct()
        .limit(2000)
    )
    return tuple(sorted(name for (name,) in conn.execute(query)))
