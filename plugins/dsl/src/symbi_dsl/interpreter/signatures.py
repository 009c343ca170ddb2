"""The built-in functions and how many positional arguments each takes (spec `dsl.md` §7.4, §7.5)."""

from __future__ import annotations

__all__ = ["ARITY", "EFFECTS", "PURE", "SETTLED"]

_ANY = 64

PURE: dict[str, tuple[int, int]] = {
    "len": (1, 1),
    "length": (1, 1),
    "upper": (1, 1),
    "lower": (1, 1),
    "format": (1, _ANY),
    "parse_json": (1, 1),
    "to_json": (1, 1),
    "to_string": (1, 1),
    "int": (1, 1),
    "float": (1, 1),
    "range": (1, 3),
    "min": (1, _ANY),
    "max": (1, _ANY),
    "sum": (1, 1),
    "abs": (1, 1),
    "round": (1, 2),
    "sort": (1, 1),
    "type_of": (1, 1),
    "time_since": (1, 1),
    "hash_sha256": (1, 1),
    "verify_hmac_sha256": (3, 3),
    "error": (1, 2),
    "Some": (1, 1),
    "Ok": (1, 1),
    "Err": (1, 2),
}
"""Functions that only compute."""

EFFECTS: dict[str, tuple[int, int]] = {
    "print": (0, _ANY),
    "log": (1, _ANY),
    "now": (0, 0),
    "generate_id": (0, 1),
    "reason": (0, 3),
    "llm_call": (0, 1),
    "tool_call": (1, 2),
    "delegate": (0, 3),
    "spawn_agent": (0, 3),
    "ask": (0, 2),
    "send_to": (0, 2),
    "parallel": (0, 1),
    "race": (0, 1),
    "chain": (0, 1),
    "debate": (0, 1),
    "map_reduce": (0, 1),
    "director": (0, 1),
    "memory_search": (0, 3),
    "memory_write": (0, 2),
    "remember": (0, 2),
    "recall": (0, 2),
    "forget": (0, 2),
    "publish": (0, 2),
    "subscribe": (0, 1),
    "request_approval": (0, 1),
    "audit_log": (0, 2),
    "security_event": (0, 2),
    "sleep": (0, 1),
    "wait_event": (0, 2),
    "respond": (0, 1),
}
"""Functions that ask something of the runtime."""

SETTLED = frozenset(
    {"len", "upper", "lower", "parse_json", "hash_sha256", "reason", "llm_call", "tool_call", "delegate", "spawn_agent"}
    | {"ask", "send_to", "parallel", "race", "chain", "debate", "map_reduce", "director", "now", "format"}
)
"""Names that always mean the built-in; a call of another pure one with other arguments is a call of a tool."""

ARITY = {name: bounds for name, bounds in {**PURE, **EFFECTS}.items() if name in SETTLED}
"""What validation checks (E417)."""
