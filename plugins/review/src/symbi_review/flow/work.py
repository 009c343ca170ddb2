"""What workers do in the store: taking leases, keeping results, signing, sweeping (toolreview.md §1.3)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from symbi.contracts.review import Submission
from symbi.contracts.signing import KeyInfo, PackageRequest, SignedPackage
from symbi_review.config import ReviewConfig
from symbi_review.durations import rfc3339
from symbi_review.flow.conditions import contradiction, expiry_ms
from symbi_review.flow.routing import route
from symbi_review.flow.submissions import known_names
from symbi_review.flow.transitions import Row, emit, load, move
from symbi_review.tables import ANALYSES, PACKAGES, SESSIONS, SUPPRESSIONS

__all__ = [
    "keep_analysis",
    "keep_package",
    "next_to_analyze",
    "next_to_sign",
    "package_request",
    "past_reviews",
    "revoke_by_keys",
    "signing_failed",
    "submission_of",
    "suppressed_for",
    "sweep",
]

SYSTEM = "system:review"
_LEASE_MS = 300_000
_SIGN_LEASE_MS = 60_000
_SIGN_TRIES = 3
_HOUR_MS = 3_600_000
_LEVELS = (4, 8, 24)


def next_to_analyze(conn: Connection, *, now: int) -> Row | None:
    """Lease the oldest session that waits for an analysis, or whose worker has died."""
    waits = or_(
        SESSIONS.c.status == "submitted",
        and_(SESSIONS.c.status == "analyzing", or_(SESSIONS.c.lease_until.is_(None), SESSIONS.c.lease_until <= now)),
    )
    row = (
        conn.execute(select(SESSIONS).where(waits).order_by(SESSIONS.c.created_at, SESSIONS.c.review_id).limit(1))
        .mappings()
        .first()
    )
    if row is None:
        return None
    return move(conn, row, "analyze", actor=SYSTEM, now=now, lease_until=now + _LEASE_MS, tries=row["tries"] + 1)


def submission_of(conn: Connection, row: Row) -> Submission:
    """What analyzers get to see."""
    metadata = row["metadata"]
    return Submission(
        tool_name=row["tool_name"],
        tool_version=row["tool_version"],
        source_code=row["source_code"],
        description=metadata["description"],
        author=metadata["author"],
        permissions=tuple(metadata["permissions"]),
        language=row["language"],
        known_tools=known_names(conn, row),
        schema_text=row["schema_text"],
    )


def suppressed_for(conn: Connection, row: Row, *, now: int) -> dict[str, str]:
    """Accepted findings of exactly this tool and source that have not expired: fingerprint to reason."""
    query = select(SUPPRESSIONS.c.fingerprint, SUPPRESSIONS.c.reason).where(
        (SUPPRESSIONS.c.tool_name == row["tool_name"])
        & (SUPPRESSIONS.c.source_sha256 == row["source_sha256"])
        & (SUPPRESSIONS.c.expires_at > now)
    )
    return {row.fingerprint: row.reason for row in conn.execute(query)}


def past_reviews(conn: Connection, row: Row, normalised_hash: str) -> list[dict[str, Any]]:
    """Decided reviews of code that is the same but for names and layout, rejections first."""
    if not normalised_hash:
        return []
    query = (
        select(SESSIONS.c.review_id, SESSIONS.c.status, ANALYSES.c.report)
        .join(ANALYSES, ANALYSES.c.analysis_id == SESSIONS.c.analysis_id)
        .where((SESSIONS.c.status.in_(["rejected", "signed", "revoked"])) & (SESSIONS.c.review_id != row["review_id"]))
        .order_by(SESSIONS.c.created_at.desc())
        .limit(200)
    )
    found = [
        {"review_id": r.review_id, "status": r.status, "normalised_hash": normalised_hash}
        for r in conn.execute(query)
        if r.report.get("normalised_hash") == normalised_hash
    ]
    return sorted(found, key=lambda item: (item["status"] != "rejected", item["review_id"]))


def keep_analysis(
    conn: Connection, leased: Row, report: dict[str, Any], config: ReviewConfig, *, now: int
) -> Row | None:
    """Store an analysis and send the session on its way; None when the lease was lost meanwhile."""
    row = load(conn, leased["review_id"])
    if row is None or row["status"] != "analyzing" or row["version"] != leased["version"]:
        return None
    analysis_id = str(uuid.uuid4())
    stored = {**report, "analysis_id": analysis_id}
    conn.execute(
        insert(ANALYSES).values(
            analysis_id=analysis_id,
            review_id=row["review_id"],
            source_sha256=row["source_sha256"],
            report=stored,
            risk_score=report["risk_score"],
            completed_at=now,
        )
    )
    known = (SESSIONS.c.author == row["author"]) & (SESSIONS.c.status.in_(["signed", "revoked"]))
    new_author = conn.execute(select(func.count()).select_from(SESSIONS).where(known)).scalar_one() == 0
    action, policy = route(report, config, has_source=bool(row["source_code"].strip()), new_author=new_author)
    way = row["routed"] or ("auto" if action != "route_to_people" else "human")
    changes: dict[str, Any] = {
        "analysis_id": analysis_id,
        "risk_score": report["risk_score"],
        "routed": way,
        "policy": policy,
        "lease_until": None,
        "tries": 0,
    }
    if action == "route_to_people":
        changes |= {"escalated_at": now, "escalations": [], "claimed_by": None, "assigned_to": None}
    else:
        changes |= _by_policy(row, report, action, policy, analysis_id, now)
    if not row["language"] and report["language"]:
        changes["language"] = report["language"]
    emit(conn, "analysis.completed", {**row, "risk_score": report["risk_score"]}, now=now, analysis_id=analysis_id)
    return move(
        conn,
        row,
        action,
        actor=SYSTEM if action == "route_to_people" else f"policy:{policy}",
        now=now,
        reason=policy,
        **changes,
    )


def _by_policy(
    row: Row, report: dict[str, Any], action: str, policy: str, analysis_id: str, now: int
) -> dict[str, Any]:
    """The decision that a policy made, in the form of a person's."""
    approved = action == "auto_approve"
    reasons = [f"{f['rule_id']} at {f['location']}: {f['recommendation']}" for f in report["findings"][:5]]
    decision = {
        "decision": "approve" if approved else "reject",
        "reviewer_id": policy,
        "by": f"policy:{policy}",
        "comments": "Decided by policy." if approved else "; ".join(reasons),
        "conditions": [],
        "processed_at": rfc3339(now),
        "analysis_id": analysis_id,
        "source_sha256": row["source_sha256"],
    }
    approvals = [decision] if approved else []
    return {"decision": decision, "decided_at": now, "approvals": approvals, "conditions": [], "next_try_at": now}


def next_to_sign(conn: Connection, *, now: int) -> tuple[Row, dict[str, Any], Row | None] | None:
    """Lease the next approved session: (session, analysis, the last signed version of the tool)."""
    due = or_(
        SESSIONS.c.status == "approved_for_signing",
        and_(SESSIONS.c.status == "signing_failed", SESSIONS.c.tries < _SIGN_TRIES, SESSIONS.c.next_try_at <= now),
        and_(SESSIONS.c.status == "signing", SESSIONS.c.lease_until <= now),
    )
    row = (
        conn.execute(select(SESSIONS).where(due).order_by(SESSIONS.c.decided_at, SESSIONS.c.review_id).limit(1))
        .mappings()
        .first()
    )
    if row is None:
        return None
    return lease_for_signing(conn, row, now=now)


def lease_for_signing(conn: Connection, row: Row, *, now: int) -> tuple[Row, dict[str, Any], Row | None]:
    """Lease one session for the signer."""
    leased = move(conn, row, "begin_signing", actor=SYSTEM, now=now, lease_until=now + _SIGN_LEASE_MS)
    report = conn.execute(select(ANALYSES.c.report).where(ANALYSES.c.analysis_id == row["analysis_id"])).scalar_one()
    same = (
        (SESSIONS.c.tool_name == row["tool_name"])
        & (SESSIONS.c.author == row["author"])
        & (SESSIONS.c.status == "signed")
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
    )
    return leased, report, previous


def package_request(
    row: Row, report: dict[str, Any], previous: Row | None, config: ReviewConfig
) -> tuple[PackageRequest, str | None]:
    """What the signer gets, and what forbids signing (a condition that the analysis contradicts)."""
    approvals = row["approvals"] or []
    conditions = list(row["conditions"] or [])
    live = [finding for finding in report["findings"] if not finding["suppressed"]]
    counts = {
        level: sum(1 for f in live if f["severity"] == level) for level in ("critical", "high", "medium", "low", "info")
    }
    expires = expiry_ms(conditions)
    predicate = {
        "review_id": row["review_id"],
        "analysis_id": row["analysis_id"],
        "tool": {"name": row["tool_name"], "version": row["tool_version"]},
        "source_sha256": row["source_sha256"],
        "decision": "approve",
        "decided_by": [item["reviewer_id"] for item in approvals],
        "decided_at": rfc3339(row["decided_at"]),
        "policy": row["policy"],
        "risk_score": row["risk_score"],
        "severity_counts": counts,
        "categories": sorted({finding["category"] for finding in live}),
        "analyzer": {"analyzers": report["analyzers"], "complete": report["complete"]},
        "permissions": {
            "declared": row["metadata"]["permissions"],
            "observed": [item["permission"] for item in report["permissions_observed"]],
        },
        "conditions": conditions,
        "expires_at": rfc3339(expires),
        "previous_package_sha256": previous["signature"]["package_sha256"] if previous is not None else None,
    }
    signed_at = (row["decided_at"] or row["updated_at"]) // 1000 * 1000
    request = PackageRequest(
        tool_name=row["tool_name"],
        tool_version=row["tool_version"],
        source_code=row["source_code"],
        language=row["language"] or report["language"],
        metadata=row["metadata"],
        predicate=predicate,
        signed_at_ms=signed_at,
        analysis=report if config.include_analysis else None,
    )
    return request, contradiction(conditions, report)


def keep_package(conn: Connection, leased: Row, package: SignedPackage, *, now: int) -> Row | None:
    """Store a package; None when the lease was lost meanwhile."""
    row = load(conn, leased["review_id"])
    if row is None or row["status"] != "signing" or row["version"] != leased["version"]:
        return None
    info = package.info
    signature = {
        "algorithm": info.algorithm,
        "key_id": info.key_id,
        "signature": info.signature,
        "signed_at": rfc3339(info.signed_at_ms),
        "payload": info.payload,
        "payload_type": info.payload_type,
        "package_sha256": info.package_sha256,
        "key_fingerprint": info.key_fingerprint,
        "certificate_chain": list(package.certificate_chain),
    }
    conn.execute(
        insert(PACKAGES).values(
            review_id=row["review_id"], filename=package.filename, sha256=info.package_sha256, content=package.content
        )
    )
    return move(
        conn,
        row,
        "sign",
        actor=SYSTEM,
        now=now,
        signature=signature,
        signed_at=info.signed_at_ms,
        signing_key=info.key_id,
        lease_until=None,
        last_error=None,
        tries=row["tries"] + 1,
    )


def signing_failed(
    conn: Connection, leased: Row, reason: str, config: ReviewConfig, *, now: int, final: bool = False
) -> None:
    """Note a failed try; the third one holds the session for an operator, or rejects it where configured."""
    row = load(conn, leased["review_id"])
    if row is None or row["status"] != "signing" or row["version"] != leased["version"]:
        return
    tries = _SIGN_TRIES if final else row["tries"] + 1
    after = move(
        conn,
        row,
        "signing_fails",
        actor=SYSTEM,
        now=now,
        reason=reason,
        tries=tries,
        next_try_at=now + 1000 * 2**tries,
        last_error=reason[:500],
        lease_until=None,
    )
    if tries >= _SIGN_TRIES and config.on_signing_exhausted == "reject" and not final:
        move(conn, after, "give_up_signing", actor=SYSTEM, now=now, reason="signing failed three times")


def sweep(conn: Connection, *, now: int) -> None:
    """Leases that ended, escalations that are due, changes that never came, approvals that expired."""
    for row in (
        conn.execute(select(SESSIONS).where((SESSIONS.c.status == "under_review") & (SESSIONS.c.lease_until <= now)))
        .mappings()
        .all()
    ):
        level = len(row["escalations"] or []) + 1
        steps = [*(row["escalations"] or []), {"level": level, "at": rfc3339(now), "to": "lease_ended"}]
        after = move(
            conn,
            row,
            "release",
            actor=SYSTEM,
            now=now,
            reason="the lease ended",
            claimed_by=None,
            assigned_to=None,
            lease_until=None,
            escalations=steps,
        )
        emit(conn, "review.escalated", after, now=now, level=level)
    for row in (
        conn.execute(select(SESSIONS).where(SESSIONS.c.status.in_(["pending_review", "under_review"]))).mappings().all()
    ):
        _escalate(conn, row, now)
    for row in (
        conn.execute(
            select(SESSIONS).where((SESSIONS.c.status == "changes_requested") & (SESSIONS.c.expires_at <= now))
        )
        .mappings()
        .all()
    ):
        move(conn, row, "expire", actor=SYSTEM, now=now)


def _escalate(conn: Connection, row: Row, now: int) -> None:
    waited = now - (row["escalated_at"] or row["created_at"])
    due = [hours for hours in _LEVELS if waited >= hours * _HOUR_MS]
    done = {step["to"] for step in row["escalations"] or []}
    for hours in due:
        word = f"overdue_{hours}h"
        if word in done:
            continue
        steps = [
            *(row["escalations"] or []),
            {"level": len(row["escalations"] or []) + 1, "at": rfc3339(now), "to": word},
        ]
        conn.execute(update(SESSIONS).where(SESSIONS.c.review_id == row["review_id"]).values(escalations=steps))
        row = {**row, "escalations": steps}
        emit(conn, "review.escalated", row, now=now, level=len(steps), to=word)


def revoke_by_keys(conn: Connection, keys: list[KeyInfo], *, now: int) -> None:
    """Tools that a revoked key signed at or after its invalidity date are revoked with it."""
    for key in keys:
        if key.state != "revoked":
            continue
        since = key.revoked_at_ms or 0
        hit = (SESSIONS.c.status == "signed") & (SESSIONS.c.signing_key == key.key_id) & (SESSIONS.c.signed_at >= since)
        for row in conn.execute(select(SESSIONS).where(hit)).mappings().all():
            revoked = {"reason": f"signing key {key.key_id} was revoked: {key.reason}", "at": rfc3339(now)}
            move(conn, row, "revoke", actor=SYSTEM, now=now, reason=revoked["reason"] or "", revoked=revoked)
