"""The conditions of a search: what the scope may see, and the filters that narrow it (CTX-1, CTX-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symbi.contracts.vectors import Grant, Scope

__all__ = ["owned", "quoted", "readable"]

_TEXTS = ("tenant", "agent", "kind", "type", "session", "document")


def quoted(text: str) -> str:
    """Return a text as a literal of the query language."""
    return "'" + text.replace("'", "''") + "'"


def owned(scope: Scope) -> str:
    """Return the condition of what the scope's agent owns."""
    return f"tenant = {quoted(scope.tenant)} AND agent = {quoted(scope.agent)}"


def readable(scope: Scope, filters: Mapping[str, Any]) -> str:
    """Return the condition of what the scope may see, AND each filter."""
    owners = [
        f"agent = {quoted(scope.agent)}",
        *(_granted(grant) for grant in scope.grants if grant.agent != scope.agent),
    ]
    parts = [f"tenant = {quoted(scope.tenant)}", f"({' OR '.join(f'({each})' for each in owners)})"]
    if scope.session is not None:
        parts.append(_one_of("session", ("", scope.session)))
    for name, value in filters.items():
        if name in _TEXTS:
            parts.append(_one_of(name, value))
        elif name == "level":
            parts.append(f"level <= {int(value)}")
        elif name == "since":
            parts.append(f"created_at >= {int(value)}")
        elif name == "until":
            parts.append(f"created_at <= {int(value)}")
    return " AND ".join(parts)


def _granted(grant: Grant) -> str:
    parts = [f"agent = {quoted(grant.agent)}", f"level <= {int(grant.level)}"]
    if grant.ids is not None:
        parts.append(_one_of("id", grant.ids))
    return " AND ".join(parts)


def _one_of(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(quoted(each) for each in values)
    return f"{column} IN ({listed})" if listed else "false"
