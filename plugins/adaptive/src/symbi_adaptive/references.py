"""References in a user's words: addresses, files, pull requests, issues, and what an operator adds (RSN-54)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from symbi.contracts.reasoning import Prefetch
from symbi.contracts.tools import ToolSpec
from symbi_adaptive.config import Prehydration

__all__ = ["find_references", "prefetches"]

MOST_TEXT = 50_000
_BUILT_IN = {
    "url": re.compile(r"https?://[^\s<>\"'`\])}]{1,2000}"),
    "file": re.compile(r"(?<![\w:/.])(?:\./|/|~/)[\w@%+=:,./-]{0,400}?\.[A-Za-z0-9]{1,8}(?![\w/])"),
    "pr": re.compile(r"\bPR\s{0,2}#(\d{1,9})\b", re.IGNORECASE),
    "issue": re.compile(r"(?<![\w&])#(\d{1,9})\b"),
}
_TRAILING = ".,;:!?…"


def find_references(text: str, custom: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Return `(kind, reference)` in the order of the text, each once; a place is never two references (`PR #5` is no issue)."""
    text = text[:MOST_TEXT]
    patterns = {**_BUILT_IN, **{kind: re.compile(pattern) for kind, pattern in (custom or {}).items()}}
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, str, str]] = []
    for kind, pattern in patterns.items():
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            reference = match.group(0)
            found.append((start, kind, reference.rstrip(_TRAILING) if kind in ("url", "file") else reference))
    ordered = [(kind, reference) for _, kind, reference in sorted(found)]
    return list(dict.fromkeys(ordered))


def prefetches(text: str, tools: Sequence[ToolSpec], config: Prehydration) -> list[Prefetch]:
    """Return the calls that would resolve the references; a tool that is not offered resolves nothing."""
    if not config.enabled:
        return []
    offered = {tool.name: tool for tool in tools}
    calls = []
    for kind, reference in find_references(text, config.custom_patterns):
        tool = offered.get(config.resolution_tools.get(kind, ""))
        name = _argument(tool) if tool is not None else None
        if tool is not None and name is not None:
            calls.append(Prefetch(kind=kind, reference=reference, tool=tool.name, arguments={name: reference}))
    return calls[: config.max_references]


def _argument(tool: ToolSpec) -> str | None:
    """Return the parameter that takes the reference: the first required text, else the first text."""
    properties = tool.parameters.get("properties", {})
    texts = [name for name, schema in properties.items() if isinstance(schema, dict) and schema.get("type") == "string"]
    required = [name for name in tool.parameters.get("required", []) if name in texts]
    return next(iter([*required, *texts]), None)
