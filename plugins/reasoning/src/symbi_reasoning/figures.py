"""Counts of loops for the metrics snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Figures", "collect"]


class Figures(msgspec.Struct, kw_only=True):
    """What has happened since the start."""

    started: int = 0
    model_calls: int = 0
    model_failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    retries: int = 0


async def collect(context: PluginContext) -> dict[str, Any]:
    """Return the figures of the block `reasoning`."""
    from symbi.contracts.reasoning import ReasoningHost

    host: Any = context.services.maybe(ReasoningHost)
    figures = getattr(host, "figures", None)
    return msgspec.to_builtins(figures) if figures is not None else {}
