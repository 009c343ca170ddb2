"""Builds the context of a request: every attribute always there, nothing that an agent sends can pose as an entity
(POL-2).
"""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from typing import Any

import msgspec

from symbi.contracts.policy import PolicyRequest
from symbi_cedar.config import CedarConfig

__all__ = ["Refused", "build_context", "clean"]

_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)
_DECIMAL_LIMIT = Decimal(922_337_203_685_477)
_ESCAPE = "esc:"


class Refused(Exception):
    """The request cannot be put before the policies, and is denied for it."""


def build_context(request: PolicyRequest, config: CedarConfig) -> str:
    """Return the context as JSON text; raises `Refused` rather than leave anything out."""
    try:
        size = len(msgspec.json.encode(request.arguments))
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise Refused("its arguments are no JSON") from None
    if size > config.max_arguments_bytes:
        raise Refused(f"its arguments have {size} bytes, more than {config.max_arguments_bytes}")
    context = {
        "surface": request.surface,
        "session": request.session,
        "depth": request.depth,
        "chain": list(request.chain),
        "iteration": request.iteration,
        "source": request.source,
        "args": clean(request.arguments, config),
        "args_json_size": size,
        "trusted": clean(dict(request.trusted), config),
        "time": request.time_ms,
        "approvals": list(request.approvals),
        "has_human_approval": bool(request.approvals),
    }
    try:
        return msgspec.json.encode(context).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise Refused("its context is no JSON") from None


def clean(value: Any, config: CedarConfig, depth: int = 0) -> Any:
    """Return the value as Cedar can hold it without loss of meaning.

    Keys that begin with `__` (how Cedar's JSON spells entities and extension values) are escaped, nulls dropped, whole
    numbers beyond 64 bits and numbers that four decimals cannot hold become text, long texts become `{sha256, size}`.
    """
    kind = type(value)
    if kind is str:
        return value if len(value) <= config.max_text_bytes // 4 else _text(value, config)
    if kind is bool:
        return value
    if kind is int:
        return value if _SMALLEST <= value <= _LARGEST else str(value)
    if kind is dict:
        return _record(value, config, depth)
    if kind is list or kind is tuple:
        if depth >= config.max_depth:
            raise Refused(f"its arguments are nested deeper than {config.max_depth}")
        return [clean(each, config, depth + 1) for each in value if each is not None]
    if kind is float:
        return _number(value)
    if value is None:
        return {}
    raise Refused(f"its arguments hold a {kind.__name__}, which is no JSON")


def _record(value: dict[Any, Any], config: CedarConfig, depth: int) -> dict[str, Any]:
    if depth >= config.max_depth:
        raise Refused(f"its arguments are nested deeper than {config.max_depth}")
    found: dict[str, Any] = {}
    for key, each in value.items():
        if type(key) is not str:
            raise Refused("its arguments have a key that is no text")
        if each is not None:
            name = _ESCAPE + key if key.startswith(("__", _ESCAPE)) else key
            found[name] = clean(each, config, depth + 1)
    return found


def _text(value: str, config: CedarConfig) -> Any:
    encoded = value.encode("utf-8", "surrogatepass")
    if len(encoded) <= config.max_text_bytes:
        return value
    return {"sha256": hashlib.sha256(encoded).hexdigest(), "size": len(encoded)}


def _number(value: float) -> Any:
    if not math.isfinite(value):
        raise Refused("its arguments hold a number that is not finite")
    exact = Decimal(repr(value))
    exponent = exact.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4 or abs(exact) >= _DECIMAL_LIMIT:
        return repr(value)
    return {"__extn": {"fn": "decimal", "arg": f"{exact:.4f}"}}
