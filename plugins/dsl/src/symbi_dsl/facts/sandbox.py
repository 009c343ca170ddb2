"""Sandbox tiers (spec `dsl.md` §5.5, `decisions.md`)."""

from __future__ import annotations

from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.expressions import Literal
from symbi_dsl.syntax.node import Node

__all__ = ["TIER_ORDER", "read_tier", "stronger"]

TIER_ORDER = ("tier0", "hosted", "tier1", "tier2", "tier3", "tier4")
"""Weakest first."""
_NAMES = {
    "docker": "tier1",
    "tier1": "tier1",
    "gvisor": "tier2",
    "tier2": "tier2",
    "firecracker": "tier3",
    "tier3": "tier3",
    "e2b": "hosted",
    "none": "tier0",
    "tier0": "tier0",
}
_LEVELS = {"strict": "tier2", "moderate": "tier1", "permissive": "tier0", **_NAMES}


def stronger(left: str | None, right: str | None) -> str | None:
    """Return the stronger of two tiers."""
    if left is None or right is None:
        return left or right
    return max(left, right, key=TIER_ORDER.index)


def read_tier(scope: Scope, node: Node, *, levels: bool = False) -> tuple[str | None, str]:
    """Return the tier that a value names, and the value as written; `levels` takes `strict`, `moderate`, `Tier4` too."""
    if isinstance(node, Literal) and isinstance(node.value, bool) and levels:
        return ("tier1" if node.value else "tier0"), scope.text(node)
    written = scope.word(node)
    if written is None:
        scope.error("E403", f"Invalid sandbox tier: {scope.text(node)[:40]}", node, "use a name such as `docker`")
        return None, scope.text(node)
    low = written.strip().lower()
    tier = _LEVELS.get(low)
    if low == "tier4" and levels:
        tier = "tier4"
    if tier is None:
        names = ", ".join(sorted(_LEVELS if levels else _NAMES))
        scope.error("E403", f"Invalid sandbox tier: {written[:40]}", node, f"use one of {names}")
    return tier, written
