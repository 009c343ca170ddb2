"""What goes into a record: masked, bounded, and always text that JSON can hold."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.masking import mask, mask_text
from symbi.contracts.principal import Principal
from symbi_audit.chain import canonical

__all__ = ["record_fields"]

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}(\.[a-z0-9_-]{1,64}){0,7}")
_HEAD = 1024
_MOST_TEXT = 2048


def record_fields(
    kind: str,
    at: str,
    *,
    principal: Principal | str,
    subject: str,
    outcome: str,
    details: Mapping[str, Any] | None,
    most: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of a record, `details` encoded, and the details themselves.

    Raises `InvalidRequest` for a `kind` that is no dotted lower-case word. Details of more than `most` bytes are replaced by their size,
    digest and beginning.
    """
    if not _KIND.fullmatch(kind):
        raise InvalidRequest(
            f"{kind!r} is no kind of audit record: dotted lower-case words, for example policy.decision"
        )
    masked = mask(details) if details else {}
    try:
        encoded = canonical(masked)
    except (TypeError, ValueError, OverflowError, RecursionError):
        masked = _plain(masked)
        encoded = canonical(masked)
    if len(encoded) > most:
        head = encoded[:_HEAD].decode("utf-8", "ignore")
        masked = {"cut": True, "bytes": len(encoded), "sha256": hashlib.sha256(encoded).hexdigest(), "head": head}
        encoded = canonical(masked)
    fields = {
        "at": at,
        "kind": kind,
        "principal": _text(principal.id if isinstance(principal, Principal) else principal),
        "subject": _text(mask_text(subject)),
        "outcome": _text(outcome),
        "details": msgspec.Raw(encoded),
    }
    return fields, masked


def _text(text: str) -> str:
    """Return text that UTF-8 can hold (a lone surrogate cannot), not longer than a name should be."""
    if text.isascii() and len(text) <= _MOST_TEXT:
        return text
    return text[:_MOST_TEXT].encode("utf-8", "replace").decode()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_plain(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return str(value) if value.bit_length() < 4096 else f"<integer of {value.bit_length()} bits>"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
