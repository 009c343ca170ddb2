"""Signatures, packages, keys, revocation (toolreview.md §1.8 and §1.10)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, select

from symbi_review import audit
from symbi_review.api.answers import Answer, Call
from symbi_review.api.sessions import visible
from symbi_review.durations import rfc3339
from symbi_review.errors import ApiError
from symbi_review.flow.conditions import expiry_ms
from symbi_review.flow.transitions import Row, load, move
from symbi_review.tables import PACKAGES
from symbi_review.validation import text_field

__all__ = ["crl", "download", "keys", "package_json", "revoke_tool", "root", "sign_again", "signing_status"]

_MEDIA = "application/vnd.symbi.signed-tool+zip"
_WORDS = {
    "approved_for_signing": "pending",
    "signing": "in_progress",
    "signed": "completed",
    "signing_failed": "failed",
    "revoked": "revoked",
}
_SHOWN = (
    "algorithm",
    "key_id",
    "signature",
    "signed_at",
    "payload",
    "payload_type",
    "package_sha256",
    "key_fingerprint",
)


def _status_view(row: Row) -> dict[str, Any]:
    word = _WORDS.get(row["status"], "not_started")
    signature = row["signature"] if word == "completed" else None
    return {
        "review_id": row["review_id"],
        "signing_status": word,
        "signature_info": {key: signature[key] for key in _SHOWN} if signature else None,
        "certificate_chain": signature["certificate_chain"] if signature else [],
        "attempts": row["tries"],
        "last_error": row["last_error"] if word == "failed" else None,
        "conditions": row["conditions"] or [],
        "revoked": row["revoked"],
    }


async def _row(call: Call) -> Row:
    await call.service.check_keys()
    return visible(await call.service.store.read(load, call.params["id"]), call.caller)


async def signing_status(call: Call) -> Answer:
    """GET /signing/{id}."""
    return Answer(_status_view(await _row(call)))


async def sign_again(call: Call) -> Answer:
    """POST /signing/{id}/sign: one more try for an approved session; a signature that is there is given as it is."""
    call.caller.need("tool:sign")
    row = await _row(call)
    if row["status"] in ("approved_for_signing", "signing_failed"):
        await call.service.sign_now(row["review_id"])
        row = await _row(call)
    if row["status"] != "signed":
        raise _unsigned(row)
    return Answer(_status_view(row))


def _unsigned(row: Row) -> ApiError:
    if row["status"] == "revoked":
        details = {"reason": (row["revoked"] or {}).get("reason"), "revoked_at": (row["revoked"] or {}).get("at")}
        return ApiError(410, "REVOKED", "This tool was revoked.", details=details)
    details = {"signing_status": _WORDS.get(row["status"], "not_started"), "status": row["status"]}
    if row["last_error"]:
        details["last_error"] = row["last_error"]
    return ApiError(409, "NOT_SIGNED", "This tool is not signed.", details=details)


async def _package(call: Call) -> tuple[str, bytes, str]:
    row = await _row(call)
    if row["submitter"] != call.caller.key and not call.caller.scopes & {
        "tool:approve",
        "tool:admin",
        "tool:download",
        "tool:sign",
    }:
        call.caller.need("tool:download")
    until = expiry_ms(row["conditions"] or [])
    if row["status"] == "signed" and until is not None and call.service.now() > until:
        raise ApiError(
            410,
            "REVOKED",
            "The approval of this tool has expired.",
            details={"reason": "expired", "revoked_at": rfc3339(until)},
        )
    if row["status"] != "signed":
        raise _unsigned(row)
    found = await call.service.store.read(
        lambda c: c.execute(select(PACKAGES).where(PACKAGES.c.review_id == row["review_id"])).first()
    )
    if (
        found is None
        or hashlib.sha256(found.content).hexdigest() != found.sha256
        or found.sha256 != row["signature"]["package_sha256"]
    ):
        call.service.context.logger.error("the stored package of review %s is damaged", row["review_id"])
        raise ApiError(500, "INTEGRITY_ERROR", "The stored package is damaged; the operator has been told.")
    now = call.service.now()
    await call.service.store.write(
        lambda c: audit.append(c, at=now, review_id=row["review_id"], actor=call.caller.key, action="download")
    )
    return found.filename, found.content, found.sha256


async def package_json(call: Call) -> Answer:
    """GET /signing/{id}/package: the package inside JSON, for clients that cannot take bytes."""
    name, content, digest = await _package(call)
    return Answer({"filename": name, "sha256": digest, "content": base64.b64encode(content).decode()})


async def download(call: Call) -> Answer:
    """GET /signing/{id}/download: the same bytes every time; single ranges and If-None-Match are served."""
    name, content, digest = await _package(call)
    tag = f'"{digest}"'
    headers = {
        "Content-Disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}",
        "ETag": tag,
        "Content-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(digest)).decode()}:",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }
    if tag in [part.strip() for part in call.headers.get("if-none-match", "").split(",")]:
        return Answer(
            status=304, headers={key: headers[key] for key in ("ETag", "Cache-Control")}, content=b"", media_type=_MEDIA
        )
    span = _range(call.headers.get("range"), len(content))
    if span is None or call.headers.get("if-range", tag) != tag:
        return Answer(content=content, media_type=_MEDIA, headers=headers)
    start, end = span
    if start >= len(content):
        raise ApiError(
            416,
            "RANGE_NOT_SATISFIABLE",
            "The package has no such bytes.",
            headers={"Content-Range": f"bytes */{len(content)}"},
        )
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return Answer(status=206, content=content[start : end + 1], media_type=_MEDIA, headers=headers)


def _range(text: str | None, size: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", text or "")
    if match is None or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end or start >= size else None


async def revoke_tool(call: Call) -> Answer:
    """POST /sessions/{id}/revoke {reason}."""
    call.caller.need("tool:admin", "tool:sign")
    reason = text_field(call.body, "reason", most=4096, required=True, message="A reason is required")
    now = call.service.now()

    def work(conn: Connection) -> Row:
        row = visible(load(conn, call.params["id"]), call.caller)
        return move(
            conn,
            row,
            "revoke",
            actor=call.caller.key,
            now=now,
            reason=reason,
            revoked={"reason": reason, "at": rfc3339(now), "by": call.caller.subject},
        )

    row = await call.service.store.write(work)
    call.service.wake()
    return Answer({"review_id": row["review_id"], "status": row["status"], "revoked": row["revoked"]})


async def root(call: Call) -> Answer:
    """GET /signing/root: the certificate that verifiers pin, PEM."""
    text = await (await call.service.signer()).root_pem()
    return Answer(content=text.encode(), media_type="application/x-pem-file", headers={"Cache-Control": "no-cache"})


async def crl(call: Call) -> Answer:
    """GET /signing/crl: the newest revocation lists, PEM."""
    text = await (await call.service.signer()).crl_pem()
    return Answer(content=text.encode(), media_type="application/x-pem-file", headers={"Cache-Control": "no-cache"})


async def keys(call: Call) -> Answer:
    """GET /signing/keys."""
    call.caller.need("tool:sign", "tool:audit", "tool:approve")
    found = await (await call.service.signer()).keys()
    shown = [
        {
            "key_id": key.key_id,
            "fingerprint": key.fingerprint,
            "algorithm": key.algorithm,
            "state": key.state,
            "not_before": rfc3339(key.not_before_ms),
            "not_after": rfc3339(key.not_after_ms),
            "reason": key.reason,
        }
        for key in found
    ]
    return Answer({"keys": shown})
