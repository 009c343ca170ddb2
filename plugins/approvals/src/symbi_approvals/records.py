"""Reads and writes held actions, one transaction each; a resolution happens once, by compare-and-swap on the status."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from symbi.contracts.approvals import Approval, ApprovalStatus, Vote
from symbi.contracts.errors import CapacityExceeded, Conflict, Forbidden, NotFound
from symbi.contracts.masking import mask
from symbi.kernel.clock import rfc3339
from symbi_approvals.tables import APPROVALS, VOTES

__all__ = ["Ballot", "cancel", "counts", "edited_arguments", "expire", "find", "forget", "hold", "list_some", "vote"]


class Ballot(msgspec.Struct, frozen=True, kw_only=True):
    """One vote as it is cast; `edited` is the JSON text of the arguments put in place, None where they stay."""

    principal: str
    verdict: str
    reason: str
    at: int
    edited: str | None = None
    edited_hash: str = ""


def hold(conn: Connection, row: dict[str, Any], most: int) -> tuple[Approval, bool]:
    """Insert a pending action, or find the one that is the same; returns it and whether it is new."""
    same = (
        select(APPROVALS.c.id)
        .where(APPROVALS.c.action_hash == row["action_hash"], APPROVALS.c.status == "pending")
        .where(APPROVALS.c.policy_revision == row["policy_revision"])
        .where(APPROVALS.c.agent_revision == row["agent_revision"], APPROVALS.c.expires_at > row["created_at"])
    )
    found = conn.execute(same).scalar()
    if found is not None:
        return find(conn, found), False
    waiting = conn.execute(select(func.count()).select_from(APPROVALS).where(APPROVALS.c.status == "pending")).scalar()
    if int(waiting or 0) >= most:
        raise CapacityExceeded(f"{most} actions wait for an approval already", hint="symbi approvals list")
    conn.execute(insert(APPROVALS).values(**row))
    return find(conn, row["id"]), True


def find(conn: Connection, approval_id: str) -> Approval:
    """Return one; raises `NotFound`."""
    row = conn.execute(select(APPROVALS).where(APPROVALS.c.id == approval_id)).first()
    if row is None:
        raise NotFound(f"no approval {approval_id[:64]!r}", code="not_found", hint="symbi approvals list")
    votes = conn.execute(select(VOTES).where(VOTES.c.approval_id == approval_id).order_by(VOTES.c.at)).all()
    return _approval(
        row, [Vote(principal=v.principal, verdict=v.verdict, at=rfc3339(v.at), reason=v.reason) for v in votes]
    )


def list_some(conn: Connection, status: ApprovalStatus | None, run_id: str | None, limit: int) -> list[Approval]:
    """Return approvals, newest first."""
    query = select(APPROVALS.c.id).order_by(APPROVALS.c.created_at.desc(), APPROVALS.c.id).limit(limit)
    if status is not None:
        query = query.where(APPROVALS.c.status == status)
    if run_id is not None:
        query = query.where(APPROVALS.c.run_id == run_id)
    return [find(conn, found) for found in conn.execute(query).scalars()]


def vote(conn: Connection, approval_id: str, ballot: Ballot) -> Approval:
    """Count a vote; raises `NotFound`, `Conflict` when it is resolved or expired, `Forbidden` for a second vote."""
    found = find(conn, approval_id)
    row = conn.execute(
        select(APPROVALS.c.expires_at, APPROVALS.c.edited_hash).where(APPROVALS.c.id == approval_id)
    ).one()
    if found.status != "pending" or row.expires_at <= ballot.at:
        status = found.status if found.status != "pending" else "expired"
        details = {"status": status, "resolved_by": found.resolved_by}
        raise Conflict(f"the action is {status} already", code="already_resolved", details=details)
    if ballot.verdict == "deny":
        return _resolve(conn, approval_id, "denied", ballot)
    if ballot.edited is not None and ballot.edited_hash != row.edited_hash:
        changed = {"edited_arguments": ballot.edited, "edited_hash": ballot.edited_hash}
        conn.execute(update(APPROVALS).where(APPROVALS.c.id == approval_id).values(**changed))
        conn.execute(delete(VOTES).where(VOTES.c.approval_id == approval_id))
    elif any(each.principal == ballot.principal for each in found.votes):
        raise Forbidden("you have voted already; the quorum needs another person", code="already_voted")
    _cast(conn, approval_id, ballot)
    given = conn.execute(select(func.count()).select_from(VOTES).where(VOTES.c.approval_id == approval_id)).scalar()
    if int(given or 0) >= found.quorum:
        return _resolve(conn, approval_id, "approved", ballot, cast=False)
    return find(conn, approval_id)


def cancel(conn: Connection, approval_id: str, reason: str, now: int) -> tuple[Approval, bool]:
    """Withdraw a pending one; returns it and whether that changed anything."""
    changed = _close(conn, approval_id, "cancelled", by=None, reason=reason, now=now)
    return find(conn, approval_id), changed


def expire(conn: Connection, now: int) -> list[Approval]:
    """Mark what has run out as expired, and return it."""
    due = select(APPROVALS.c.id).where(APPROVALS.c.status == "pending", APPROVALS.c.expires_at <= now).limit(500)
    ids = list(conn.execute(due).scalars())
    closed = [each for each in ids if _close(conn, each, "expired", by=None, reason="nobody answered in time", now=now)]
    return [find(conn, each) for each in closed]


def forget(conn: Connection, before: int) -> int:
    """Delete what was resolved before a moment; returns how many."""
    old = select(APPROVALS.c.id).where(APPROVALS.c.status != "pending", APPROVALS.c.resolved_at < before)
    conn.execute(delete(VOTES).where(VOTES.c.approval_id.in_(old)))
    gone = conn.execute(delete(APPROVALS).where(APPROVALS.c.status != "pending", APPROVALS.c.resolved_at < before))
    return max(gone.rowcount, 0)


def next_expiry(conn: Connection) -> int | None:
    """Return when the next pending one runs out, None when none waits."""
    found = conn.execute(select(func.min(APPROVALS.c.expires_at)).where(APPROVALS.c.status == "pending")).scalar()
    return None if found is None else int(found)


def edited_arguments(conn: Connection, approval_id: str) -> Any:
    """Return the exact arguments that an approver put in place, `UNSET` when none were."""
    row = conn.execute(select(APPROVALS.c.edited_arguments).where(APPROVALS.c.id == approval_id)).first()
    if row is None or row.edited_arguments is None:
        return msgspec.UNSET
    return msgspec.json.decode(row.edited_arguments)


def counts(conn: Connection) -> dict[str, int]:
    """Return how many there are of each status."""
    rows = conn.execute(select(APPROVALS.c.status, func.count()).group_by(APPROVALS.c.status))
    return {str(status): int(number) for status, number in rows}


def _resolve(conn: Connection, approval_id: str, status: str, ballot: Ballot, *, cast: bool = True) -> Approval:
    if not _close(conn, approval_id, status, by=ballot.principal, reason=ballot.reason, now=ballot.at):
        raise Conflict("somebody else has decided in this moment", code="already_resolved")
    if cast:
        conn.execute(delete(VOTES).where(VOTES.c.approval_id == approval_id, VOTES.c.principal == ballot.principal))
        _cast(conn, approval_id, ballot)
    return find(conn, approval_id)


def _close(conn: Connection, approval_id: str, status: str, *, by: str | None, reason: str, now: int) -> bool:
    changed = conn.execute(
        update(APPROVALS)
        .where(APPROVALS.c.id == approval_id, APPROVALS.c.status == "pending")
        .values(status=status, resolved_at=now, resolved_by=by, resolution_reason=reason)
    )
    return changed.rowcount == 1


def _cast(conn: Connection, approval_id: str, ballot: Ballot) -> None:
    conn.execute(
        insert(VOTES).values(
            approval_id=approval_id,
            principal=ballot.principal,
            verdict=ballot.verdict,
            at=ballot.at,
            reason=ballot.reason,
            edited_hash=ballot.edited_hash,
        )
    )


def _approval(row: Row[Any], votes: list[Vote]) -> Approval:
    edited = row.edited_arguments
    return Approval(
        id=row.id,
        agent_id=row.agent_id,
        run_id=row.run_id,
        kind=row.kind,
        action=row.action,
        target=row.target,
        summary=row.summary,
        reason=row.reason,
        group=row.group_name,
        status=row.status,
        created_at=rfc3339(row.created_at),
        expires_at=rfc3339(row.expires_at),
        action_hash=row.action_hash,
        policy_revision=row.policy_revision,
        agent_revision=row.agent_revision,
        requested_by=row.requested_by,
        quorum=row.quorum,
        votes=tuple(votes),
        arguments=row.arguments,
        edited_arguments=None if edited is None else mask(msgspec.json.decode(edited)),
        edited=edited is not None,
        resolved_at=None if row.resolved_at is None else rfc3339(row.resolved_at),
        resolved_by=row.resolved_by,
        resolution_reason=row.resolution_reason,
        context_snapshot=row.context_snapshot,
        origin=row.origin or {},
    )
