"""What slack-sdk and the network raise, in the words of the contract; no token and no URL in any of them."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from symbi.contracts.channels import ChannelRefused, SendFailed

__all__ = ["of_api", "of_network", "of_status", "retry_after"]

_REFUSED = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission", "missing_scope", "org_login_required",
})  # fmt: skip
_PASSING = frozenset({
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org",
})  # fmt: skip


def of_api(error: Any, *, now: float) -> SendFailed | ChannelRefused:
    """Return what a `SlackApiError` means."""
    response = error.response
    status = int(getattr(response, "status_code", 0) or 0)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    data = getattr(response, "data", response)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return of_status(429, headers, now=now)
    if code in _REFUSED:
        return ChannelRefused(f"Slack refuses the token: {code}", hint="install the app again and update the channel")
    if code:
        return SendFailed(
            f"Slack says {code[:100]}", retryable=code in _PASSING or status >= 500, status=status or None
        )
    return of_status(status, headers, now=now)


def of_status(status: int, headers: Mapping[str, str], *, now: float) -> SendFailed:
    """Return what an HTTP status means."""
    again = status in (408, 429) or status >= 500 or status == 0
    wait = retry_after(headers, now=now) if again else None
    return SendFailed(f"Slack answered {status}", retryable=again, retry_after=wait, status=status or None)


def of_network(error: BaseException) -> SendFailed:
    """Return what a failed connection means."""
    return SendFailed(f"Slack was not reached: {type(error).__name__}", retryable=True)


def retry_after(headers: Mapping[str, Any], *, now: float) -> float | None:
    """Return the seconds of `Retry-After`, a number or a date; None where there is none that can be read."""
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    text = str(found[0] if isinstance(found, list) and found else found or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, TypeError):
        return None
