"""Mattermost speaks Markdown; only calls to everybody are taken out of what an agent writes."""

from __future__ import annotations

import re

__all__ = ["MESSAGE_SIZE", "to_mattermost"]

MESSAGE_SIZE = 16_000
"""The server takes 16,383 characters (channels.md §2)."""
_EVERYBODY = re.compile(r"@(?=(?:all|channel|here)\b)", re.IGNORECASE)


def to_mattermost(text: str) -> str:
    """Return the text with `@all`, `@channel` and `@here` made harmless by a zero-width space."""
    return _EVERYBODY.sub("@\u200b", text)
