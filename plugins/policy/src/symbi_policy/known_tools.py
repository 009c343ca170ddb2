"""Finds tools that policies name and nobody provides: mostly a slip of the pen, and then a rule that never applies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from symbi.contracts.policy_sets import PolicyFinding
from symbi.contracts.tools import ToolService
from symbi.kernel.services import Services

__all__ = ["unknown_tools"]

_PREFIX = "tool_call::"


async def unknown_tools(actions: Iterable[str], services: Services) -> list[PolicyFinding]:
    """Return a warning for each tool that is named and that this runtime does not have; none where it has no tools."""
    service = services.maybe(ToolService)
    if service is None:
        return []
    known = [tool.name for tool in await service.list()]
    named = sorted(action.removeprefix(_PREFIX) for action in actions if action.startswith(_PREFIX))
    return [
        PolicyFinding(
            severity="warning", code="unknown-tool", message=f"no tool is called {name!r}{_meant(name, known)}"
        )
        for name in named
        if name not in known
    ]


def _meant(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
