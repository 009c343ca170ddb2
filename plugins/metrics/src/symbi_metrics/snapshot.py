"""Building a snapshot: every source asked side by side under a deadline, a failing one keeps its last figures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from symbi.contracts.metrics import LoadBalancerFigures, MetricsSnapshot, SchedulerFigures, TaskManagerFigures
from symbi.contracts.offers import load
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi.kernel.fanout import fan_out
from symbi.kernel.points import METRICS_SOURCES
from symbi_metrics.levels import levels
from symbi_metrics.listeners import RequestRate
from symbi_metrics.parts import channel_instruments, event_instruments
from symbi_metrics.process import ProcessProbe
from symbi_metrics.ratchet import Ratchet
from symbi_metrics.registry import Registry
from symbi_metrics.system import SystemProbe

__all__ = ["SnapshotBuilder"]

_BLOCKS = {"scheduler": SchedulerFigures, "task_manager": TaskManagerFigures, "load_balancer": LoadBalancerFigures}
_FLAT_INTEGERS = ("active_agents", "total_agents", "secrets_count", "mcp_connections", "vector_db_items")
_KEEP_SECONDS = 1.0
_TOTALS = {
    "scheduler": ("total_runs", "successful_runs"),
    "task_manager": ("completed_tasks", "failed_tasks"),
}


class SnapshotBuilder:
    """Builds snapshots; callers within one second share one."""

    def __init__(self, context: PluginContext, registry: Registry, rate: RequestRate, *, deadline: float) -> None:
        self._context = context
        self._registry = registry
        self._rate = rate
        self._deadline = deadline
        self._probe = SystemProbe(context.data_dir)
        self._process = ProcessProbe()
        self._ratchet = Ratchet()
        self._started = context.clock.monotonic()
        self._last: dict[str, Mapping[str, Any]] = {}
        self._cached: tuple[float, MetricsSnapshot] | None = None
        self._lock = asyncio.Lock()
        self.failures: dict[str, str] = {}

    async def build(self) -> MetricsSnapshot:
        """Return a snapshot, at most a second old."""
        async with self._lock:
            now = self._context.clock.monotonic()
            if self._cached is None or now - self._cached[0] >= _KEEP_SECONDS:
                self._cached = (now, await self._gather())
            return self._cached[1]

    async def _gather(self) -> MetricsSnapshot:
        figures = await self._sources()
        system = self._probe.figures(uptime_seconds=int(self._context.clock.monotonic() - self._started))
        for name, totals in _TOTALS.items():
            if name in figures:
                figures[name] = self._ratchet.hold_all(name, figures[name], totals)
        figures.setdefault("load_balancer", {})["requests_per_second"] = self._rate.per_second()
        blocks = {name: _block(kind, figures.get(name, {})) for name, kind in _BLOCKS.items()}
        others = {name: dict(block) for name, block in figures.items() if name not in (*_BLOCKS, "flat")}
        flat = {**dict.fromkeys(_FLAT_INTEGERS, 0), **self._probe.flat(system), **figures.get("flat", {})}
        bus = self._ratchet.hold_all("events", self._context.events.figures(), ("dropped", "failures"))
        return MetricsSnapshot(
            timestamp=rfc3339(self._context.clock.now()),
            system=system,
            figures=others,
            flat=flat,
            instruments=(
                *levels(blocks["scheduler"], blocks["task_manager"], blocks["load_balancer"], system),
                *self._process.read(),
                *channel_instruments(figures.get("channels", {})),
                *event_instruments(bus),
                *self._registry.read(),
            ),
            **blocks,
        )

    async def _sources(self) -> dict[str, dict[str, Any]]:
        calls = {
            f"{plugin}:{source.name}": partial(load(source.collect), self._context)
            for plugin, source in self._context.offers(METRICS_SOURCES)
        }
        outcomes = await fan_out(calls, deadline=self._deadline)
        found: dict[str, dict[str, Any]] = {}
        self.failures = {}
        for name, outcome in outcomes.items():
            if outcome.ok and isinstance(outcome.value, Mapping):
                self._last[name] = outcome.value
            else:
                self.failures[name] = str(outcome.error) if outcome.error else "gave no mapping"
            found.setdefault(name.partition(":")[2], {}).update(self._last.get(name, {}))
        return found


def _block(kind: type[Any], figures: Mapping[str, Any]) -> Any:
    """Return a block of the seed from what its source gave; what does not fit is left at zero."""
    known = {name: value for name, value in figures.items() if name in kind.__struct_fields__}
    try:
        return msgspec.convert(known, kind, strict=False)
    except msgspec.ValidationError:
        return kind()
