"""What the event stream shows of arguments and results: masked, and cut to a size that a timeline can bear."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.masking import mask

__all__ = ["shown"]

MOST = 2048
MARGIN = 512
"""How far a text is read beyond what is shown of it, so that a secret at the cut is still known for one."""


def shown(value: Any) -> Any:
    """Return the value without secrets; one that is too long becomes a text that is cut, with its size."""
    size = len(msgspec.json.encode(value))
    if size <= MOST:
        return mask(value)
    # Only the head is shown, so only the head is searched for secrets: a conversation is shown at every turn.
    text = msgspec.json.encode(mask(_head(value, [MOST])))
    return {"cut": text[:MOST].decode("utf-8", "ignore"), "bytes": size}


def _head(value: Any, left: list[int]) -> Any:
    """Return as much of a JSON value as the characters that are left need."""
    if isinstance(value, str):
        part = value[: max(0, left[0]) + MARGIN]
        left[0] -= len(part)
        return part
    if isinstance(value, dict):
        found = {}
        for name, each in value.items():
            if left[0] <= 0:
                break
            left[0] -= len(str(name))
            found[name] = _head(each, left)
        return found
    if isinstance(value, list | tuple):
        items = []
        for each in value:
            if left[0] <= 0:
                break
            items.append(_head(each, left))
        return items
    left[0] -= 4
    return value
