"""The figures of the gate for the metrics snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symbi.contracts.policy import Gate

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["collect"]


async def collect(context: PluginContext) -> Mapping[str, Any]:
    """Return how often the gate has decided what, and what is in force."""
    gate = context.services.maybe(Gate)
    if gate is None:
        return {}
    status = gate.status()
    kinds = ("allow", "deny", "hold", "modify", "insecure", "reloads", "reload_refused")
    return {**{kind: status.counts.get(kind, 0) for kind in kinds}, "state": status.state, "revision": status.revision}
