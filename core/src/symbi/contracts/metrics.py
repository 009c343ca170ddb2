"""Metrics: one snapshot for everybody, and what an exporter of it must do."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from symbi.contracts.offers import Offer

__all__ = [
    "Exporter",
    "Instrument",
    "LoadBalancerFigures",
    "MetricsExporter",
    "MetricsService",
    "MetricsSnapshot",
    "Point",
    "SchedulerFigures",
    "SystemFigures",
    "TaskManagerFigures",
]


class SchedulerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The `scheduler` block: jobs by state, and runs since the store was made; all zero where no scheduler is installed."""

    total_jobs: int = 0
    active_jobs: int = 0
    paused_jobs: int = 0
    failed_jobs: int = 0
    total_runs: int = 0
    successful_runs: int = 0
    dead_letter_count: int = 0


class TaskManagerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The `task_manager` block: runs by state; the ended ones count since the store was made."""

    queued_tasks: int = 0
    running_tasks: int = 0
    completed_tasks: int = 0
    failed_tasks: int = 0


class LoadBalancerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The `load_balancer` block: places where runs can go, those in use, and HTTP requests a second over the last minute."""

    total_workers: int = 0
    active_workers: int = 0
    requests_per_second: float = 0.0


class SystemFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The `system` block: the machine's CPU (0–100) and memory (the container's where it is limited), and the runtime's age in seconds."""

    cpu_usage_percent: float
    memory_usage_bytes: int
    memory_total_bytes: int
    uptime_seconds: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One series of an instrument: its attributes, and a `value`, or a histogram's `count`, `sum` and `buckets` (one more than its bounds)."""

    attributes: dict[str, str] = {}
    value: float = 0.0
    count: int = 0
    sum: float = 0.0
    buckets: tuple[int, ...] = ()


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument, named after OpenTelemetry's conventions: dots, no unit in the name; `unit` is UCUM (`s`, `By`, `{run}`, `1`).

    `counter` only rises while the runtime lives, `updown` is a level that can be summed, `gauge` one that cannot; `bounds` are a histogram's
    upper bounds, without the last (infinity).
    """

    name: str
    kind: Literal["counter", "updown", "gauge", "histogram"]
    unit: str
    description: str
    points: tuple[Point, ...]
    bounds: tuple[float, ...] = ()


class MetricsSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The seed's snapshot, built once per collection; `timestamp` is RFC 3339 UTC. `GET /metrics`, files and exporters all see this.

    `figures` holds what other plugins count, by block (`reasoning`, `scanner` …); `flat` the eleven top-level numbers that the Python SDK reads.
    """

    timestamp: str
    scheduler: SchedulerFigures = SchedulerFigures()
    task_manager: TaskManagerFigures = TaskManagerFigures()
    load_balancer: LoadBalancerFigures = LoadBalancerFigures()
    system: SystemFigures
    figures: dict[str, dict[str, Any]] = {}
    flat: dict[str, int | float] = {}
    instruments: tuple[Instrument, ...] = ()
    """Everything as instruments, for exporters that know kinds, units and histograms."""

    def wire(self) -> dict[str, Any]:
        """Return the JSON object of `GET /api/v1/metrics`: the seed's blocks, other blocks and the flat numbers beside them."""
        blocks = {
            name: msgspec.to_builtins(getattr(self, name))
            for name in ("scheduler", "task_manager", "load_balancer", "system")
        }
        extra = {name: block for name, block in self.figures.items() if name not in blocks}
        return {"timestamp": self.timestamp, **blocks, **extra, **self.flat}


class MetricsExporter(Protocol):
    """An opened exporter."""

    async def export(self, snapshot: MetricsSnapshot) -> None:
        """Hand one snapshot on, and raise where that failed: an export that did not arrive must not look like one that did.

        Called by one task at a time, under a deadline, so it must be safe to cancel. Closing it hands on what it still holds.
        """


class Exporter(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `exporters`; opens to a `MetricsExporter`. Chosen by `[metrics] exporters`."""


class MetricsService(Protocol):
    """Collects snapshots."""

    async def collect(self) -> MetricsSnapshot:
        """Return a snapshot, built at most once a second; a source that fails or hangs leaves its block as it was last."""
