"""What Microsoft's services answer, in the words of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from symbi.contracts.channels import SendFailed

__all__ = ["of_status", "of_text"]

_AGAIN = frozenset({408, 412, 429, 500, 502, 503, 504})


def of_status(status: int, headers: Mapping[str, str], *, now: float, word: str = "") -> SendFailed:
    """Return what a status means; `word` is the error's code, where there is one."""
    again = status in _AGAIN
    wait = _seconds(headers.get("retry-after") or headers.get("Retry-After") or "", now) if again else None
    text = f"Teams answered {status} {word}".strip()
    return SendFailed(text, retryable=again, retry_after=wait, status=status)


def of_text(text: str, *, headers: Mapping[str, str], now: float) -> SendFailed | None:
    """Return the failure that a connector reports with status 200 in its body; `1` and nothing are success (channels.md §2)."""
    body = text.strip()
    if body in ("", "1"):
        return None
    for status in (429, 413, 503, 502, 504):
        if str(status) in body:
            return of_status(status, headers, now=now)
    return SendFailed("the connector answered 200 with an error text", retryable=False, status=200)


def _seconds(text: str, now: float) -> float | None:
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, TypeError):
        return None
