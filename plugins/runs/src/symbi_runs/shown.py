"""What the event stream shows of arguments and results: masked, and cut to a size that a timeline can bear."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.masking import mask

__all__ = ["shown"]

MOST = 2048


def shown(value: Any) -> Any:
    """Return the value without secrets; one that is too long becomes a text that is cut, with its size."""
    masked = mask(value)
    text = msgspec.json.encode(masked)
    if len(text) <= MOST:
        return masked
    return {"cut": text[:MOST].decode("utf-8", "ignore"), "bytes": len(text)}
