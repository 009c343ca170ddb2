"""Finds characters in policy texts that nobody sees: the lint of raw text (POL-32, policy.md §1.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symbi.contracts.policy_sets import PolicyFinding, PolicySource

__all__ = ["INVISIBLE", "hidden_characters"]

INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, but tab and line ends
    "\u00ad\u0300-\u036f"  # soft hyphen, combining marks
    "\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero width, bidi
    "\u2070-\u209f"  # superscripts and subscripts
    "\ufe00-\ufe0f\ufeff"  # variation selectors, byte order mark
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f\U000e0100-\U000e01ef"  # music controls, tags, more selectors
    "]"
)


def hidden_characters(source: PolicySource, *, limit: int = 20) -> Iterator[PolicyFinding]:
    """Yield an error for each invisible or look-alike control character, with its line and column."""
    for number, found in enumerate(INVISIBLE.finditer(source.text)):
        if number >= limit:
            return
        start = found.start()
        line = source.text.count("\n", 0, start) + 1
        column = start - (source.text.rfind("\n", 0, start) + 1) + 1
        message = f"invisible character U+{ord(found.group()):04X}; remove it"
        yield PolicyFinding(
            severity="error", code="hidden-character", message=message, path=source.path, line=line, column=column
        )
