"""Fences round what comes from outside, so that a model takes it for data (spec `reasoning.md` §4, 3 and 4)."""

from __future__ import annotations

import re

__all__ = ["cut", "fenced"]

_TAG = re.compile(r"<(/?)\s*untrusted", re.IGNORECASE)


def cut(text: str, most: int) -> str:
    """Return the text, cut to `most` characters with a mark that says so."""
    return text if len(text) <= most else f"{text[:most]}\n[truncated: {len(text)} characters in all]"


def fenced(text: str, *, source: str) -> str:
    """Return the text in a fence that nothing inside can close."""
    inner = _TAG.sub(r"&lt;\1untrusted", text)
    name = re.sub(r"[^\w./:#@-]", "_", source)[:120]
    return f'<untrusted source="{name}">\n{inner}\n</untrusted>'
