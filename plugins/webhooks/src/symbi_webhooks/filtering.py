"""The filter of a webhook block: one value of the body, compared as text."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["admits", "steps_of", "value_at"]

_STEP = re.compile(r"\.([A-Za-z_][\w-]{0,99})|\[(\d{1,6})\]|\[['\"]([^'\"\]]{1,200})['\"]\]")


def steps_of(path: str) -> list[str | int]:
    """Return the steps of `$.a.b[0]['c d']`; raises `ValueError` for anything else."""
    if not path.startswith("$") or len(path) > 1000:
        raise ValueError(f"json_path {path[:100]!r}: expected $.name[0]['other name']")
    steps: list[str | int] = []
    position = 1
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None:
            raise ValueError(f"json_path {path!r}: cannot be read at character {position + 1}")
        steps.append(int(found[2]) if found[2] is not None else found[1] or found[3])
        position = found.end()
    return steps


def value_at(body: Any, steps: list[str | int]) -> Any:
    """Return the value at the steps, None where there is none."""
    for step in steps:
        if isinstance(step, int) and isinstance(body, list) and step < len(body):
            body = body[step]
        elif isinstance(step, str) and isinstance(body, dict):
            body = body.get(step)
        else:
            return None
    return body


def admits(body: Any, *, steps: list[str | int], equals: str | None, contains: str | None) -> bool:
    """Tell whether the value equals the text, or contains it."""
    found = value_at(body, steps)
    if found is None:
        return False
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return text == equals if equals is not None else (contains or "") in text
