"""Signatures of the providers, over the raw bytes; no header can make them raise."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

__all__ = ["verified"]

_MOST = 4096


def verified(provider: str, headers: Mapping[str, str], body: bytes, *, secret: str, now: float, window: float) -> str:
    """Return the good signature of a request, or the empty text; `headers` have lower-case names."""
    if provider == "github":
        given = headers.get("x-hub-signature-256", "")
        return given if _same(f"sha256={_mac(secret, body)}", given) else ""
    if provider == "slack":
        stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        good = _fresh(stamp, now, window) and _same(f"v0={_mac(secret, f'v0:{stamp}:'.encode() + body)}", given)
        return given if good else ""
    name = "stripe-signature" if provider == "stripe" else "x-symbi-signature"
    return _timed(headers.get(name, ""), body, secret, now, window)


def _timed(header: str, body: bytes, secret: str, now: float, window: float) -> str:
    """Check `t=…,v1=…[,v1=…]`, where each `v1` may be the good one (a secret that is being replaced)."""
    parts = [part.strip().partition("=") for part in header[:_MOST].split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    if not _fresh(stamp, now, window):
        return ""
    wanted = _mac(secret, f"{stamp}.".encode() + body)
    found = ""
    for name, _, value in parts:
        if name == "v1" and _same(wanted, value):
            found = f"{stamp}.{value}"
    return found


def _fresh(stamp: str, now: float, window: float) -> bool:
    return stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and abs(now - int(stamp)) <= window


def _mac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogatepass"))
