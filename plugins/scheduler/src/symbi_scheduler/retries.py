"""Which failures are tried again, and when (R-RETRY)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbi_scheduler.decide import Behaviour

__all__ = ["FINAL_CODES", "backoff_ms", "is_retryable"]

FINAL_CODES = frozenset({
    "policy_denied", "approval_denied", "approval_expired", "forbidden", "unauthorized", "agent_scope_denied", "not_found", "agent_not_found",
    "invalid_request", "invalid_input", "dsl_parse_error", "dsl_validation_error", "conflict", "unschedulable", "cancelled",
})  # fmt: skip
"""Codes of errors that would come back unchanged, in lower case."""


def is_retryable(status: str, error: Mapping[str, Any] | None, how: Behaviour) -> bool:
    """Whether a run that ended `failed` or `lost` is worth another attempt; a retry count of zero is decided elsewhere."""
    if status == "lost":
        return how.retry_on_lost
    code = str((error or {}).get("code", "")).lower()
    if how.retry_on:
        return code in {wanted.lower() for wanted in how.retry_on}
    return code not in FINAL_CODES


def backoff_ms(attempt: int, how: Behaviour, draw: float) -> int:
    """The pause after failed attempt `attempt` (from 1): base × 2ⁿ up to the cap; with full jitter `draw` of it."""
    pause: int = min(how.retry_base << min(attempt - 1, 40), how.retry_cap)
    return round(pause * draw) if how.retry_jitter else pause
