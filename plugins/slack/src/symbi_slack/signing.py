"""Slack's signature, over the raw bytes (no text in between: a body need not be UTF-8)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

__all__ = ["WINDOW_SECONDS", "verified"]

WINDOW_SECONDS = 300


def verified(headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], now: float) -> str:
    """Return the signature of a good request, else the empty text; never raises, whatever the headers hold.

    A request is good for 300 s either way of its own clock; that it comes once is for the caller to see.
    """
    stamp = headers.get("x-slack-request-timestamp", "")
    given = headers.get("x-slack-signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and given.isascii()):
        return ""
    if abs(now - int(stamp)) > WINDOW_SECONDS:
        return ""
    found = ""
    for secret in secrets:
        mac = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        if hmac.compare_digest(f"v0={mac}", given):
            found = given
    return found
