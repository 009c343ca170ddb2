"""Words that policies know: wildcards, requirements, calls that a guard can not make."""

from __future__ import annotations

import re

__all__ = ["ENFORCED_REQUIREMENTS", "IMPURE_CALLS", "WILDCARDS", "parse_rate"]

WILDCARDS = frozenset({"any", "all", "all_operations", "*"})

ENFORCED_REQUIREMENTS = frozenset(
    {
        "rate_limiting",
        "max_data_size",
        "timeout",
        "total_timeout",
        "max_concurrent_agents",
        "sandbox_tier",
        "signature_verification",
    }
)
"""Keys of `require { … }` that the gate acts on; so are all that begin with `approval`."""

IMPURE_CALLS = frozenset(
    {
        "reason",
        "llm_call",
        "tool_call",
        "delegate",
        "spawn_agent",
        "ask",
        "send_to",
        "parallel",
        "race",
        "chain",
        "debate",
        "map_reduce",
        "director",
        "memory_search",
        "memory_write",
        "remember",
        "recall",
        "forget",
        "publish",
        "subscribe",
        "request_approval",
        "audit_log",
        "security_event",
        "print",
        "log",
        "sleep",
        "wait_event",
        "now",
        "respond",
        "generate_id",
    }
)
_WINDOWS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "m": 60, "hour": 3_600, "h": 3_600}
_WINDOWS |= {"day": 86_400, "d": 86_400}
_RATE = re.compile(r"\s*([0-9]{1,9})\s*/\s*([a-z]{1,7})\s*(?:/\s*([A-Za-z_][A-Za-z0-9_.]{0,60}))?\s*")


def parse_rate(value: object) -> tuple[int, int, str | None] | None:
    """Return count, window in seconds and key of `10/minute/user`, or None if it is no rate."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    window = _WINDOWS.get(match[2]) or _WINDOWS.get(match[2].removesuffix("s"))
    return None if window is None else (int(match[1]), window, match[3])
