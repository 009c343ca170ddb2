"""What of a line is shown: short, without control characters, without secrets."""

from __future__ import annotations

import re

__all__ = ["clean", "snippet"]

_WIDTH = 160
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
_SECRET = re.compile(
    r"(?i)\b(api[_-]?key|token|secret|passw(?:or)?d|authorization|bearer|aws_secret_access_key)(\s*[=:]\s*|\s+)(?:bearer\s+)?[\"']?([A-Za-z0-9+/_.~-]{12,})"
    r"|\b(AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,})"
)


def _code(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match.group()):x}}}"


def clean(text: str) -> str:
    """Return the text with every character that could act on a terminal, or hide, written as its code point."""
    return _UNSEEN.sub(_code, text.replace("\t", " ").replace("\n", " "))


def _redact(match: re.Match[str]) -> str:
    if match.group(4):
        return match.group(4)[:4] + "…"
    return f"{match.group(1)}{match.group(2)}{match.group(3)[:2]}…"


def snippet(text: str) -> str:
    """Return one line for people, at most 160 characters."""
    short = clean(_SECRET.sub(_redact, text.strip()[:2000]))
    return short if len(short) <= _WIDTH else short[: _WIDTH - 1] + "…"
