"""A definition as a model may read it: without comments, which nobody has checked (spec `dsl.md` §2)."""

from __future__ import annotations

import re

from symbi_dsl.limits import DEFAULT_LIMITS
from symbi_dsl.syntax.lexer import tokenize
from symbi_dsl.syntax.problems import Problems

__all__ = ["without_comments"]


def without_comments(text: str) -> str:
    """Return `text` without comments and without the empty lines that they leave."""
    tokens = tokenize(text, problems=Problems(1), limits=DEFAULT_LIMITS)
    parts: list[str] = []
    at = 0
    for start, end in tokens.comments:
        parts.append(text[at:start])
        parts.append("\n" if "\n" in text[start:end] else "")
        at = end
    parts.append(text[at:])
    bare = re.sub(r"[ \t]+(?=\n)", "", "".join(parts))
    return re.sub(r"\n{3,}", "\n\n", bare).strip() + "\n"
