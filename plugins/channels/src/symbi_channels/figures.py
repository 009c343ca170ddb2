"""The figures of channels for the metrics snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from symbi.contracts.channels import ChannelService
from symbi_channels import inbox, outbox, records
from symbi_channels.counters import Counters

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_channels.service import Channels

__all__ = ["collect"]


async def collect(context: PluginContext) -> Mapping[str, Any]:
    """Return sums over all channels, and the counts of each that runs."""
    service = context.services.maybe(ChannelService)
    if service is None:
        return {"total": 0, "running": 0}
    runners = list(cast("Channels", service).hub.runners.values())
    each: dict[str, Any] = {}
    for runner in runners:
        waiting = {
            "inbox": await context.store.read(inbox.depth, runner.id),
            "outbox": await context.store.read(outbox.depth, runner.id),
        }
        each[runner.name] = {"platform": runner.platform, **runner.counters.figures(), **waiting}
    names = [*Counters().figures(), "inbox", "outbox"]
    sums = {
        name: (max if name == "delivery_ms_max" else sum)([channel[name] for channel in each.values()] or [0])
        for name in names
    }
    return {"total": await context.store.read(records.count), "running": len(runners), **sums, "each": each}
