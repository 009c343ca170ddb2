"""Constant shell variables put back where they are used: `a=cu; b=rl; $a$b …`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symbi_skills.text.lines import Lines

__all__ = ["expand"]

_ASSIGNMENT = re.compile(r"(?:^|[;&|\s(`'\"])([A-Za-z_]\w*)=(\"[^\"$`]*\"|'[^']*'|[^\s;&|()$`\"']*)(?=[\s;&|)`'\"]|$)")
_USE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_MAX_LINES = 20_000
_MAX_LENGTH = 20_000


def expand(lines: Lines, wanted: set[int]) -> Iterator[tuple[int, str]]:
    """Yield number and text of the wanted lines with every variable replaced that was given a constant above (or on) the line."""
    values: dict[str, str] = {}
    last = max(wanted, default=-1)
    for number, raw in enumerate(lines.data.split(b"\n", min(last + 1, _MAX_LINES))[: min(last + 1, _MAX_LINES)]):
        if b"=" in raw:
            text = raw.decode("utf-8", "replace")[:_MAX_LENGTH]
            for name, value in _ASSIGNMENT.findall(text):
                bare = value[1:-1] if value[:1] in "\"'" and len(value) > 1 else value
                values[name] = bare[:400]
        if number in wanted and values:
            text = raw.decode("utf-8", "replace")[:_MAX_LENGTH]
            replaced = _USE.sub(lambda match: values.get(match.group(1), match.group()), text)
            if replaced != text:
                yield number, replaced
