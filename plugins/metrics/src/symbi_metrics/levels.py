"""The snapshot's figures as instruments (metrics.md §4): names, kinds and units after OpenTelemetry's conventions."""

from __future__ import annotations

from symbi.contracts.metrics import Instrument, LoadBalancerFigures, SchedulerFigures, SystemFigures, TaskManagerFigures
from symbi_metrics.instruments import level

__all__ = ["levels"]


def levels(
    scheduler: SchedulerFigures, tasks: TaskManagerFigures, balancer: LoadBalancerFigures, system: SystemFigures
) -> tuple[Instrument, ...]:
    """Return the instruments of the seed's four blocks."""
    return (*_scheduler(scheduler), *_tasks(tasks, balancer), *_system(system))


def _scheduler(figures: SchedulerFigures) -> tuple[Instrument, ...]:
    known = figures.active_jobs + figures.paused_jobs + figures.failed_jobs
    states = {
        "active": figures.active_jobs,
        "paused": figures.paused_jobs,
        "failed": figures.failed_jobs,
        "other": max(0, figures.total_jobs - known),
    }
    runs = {"success": figures.successful_runs, "failure": max(0, figures.total_runs - figures.successful_runs)}
    return (
        level(
            "symbi.scheduler.job.count",
            "{job}",
            "Scheduled jobs by state.",
            _floats(states),
            attribute="symbi.job.state",
        ),
        level(
            "symbi.scheduler.job.runs",
            "{run}",
            "Runs that schedules started.",
            _floats(runs),
            attribute="symbi.outcome",
            kind="counter",
        ),
        level(
            "symbi.scheduler.dead_letter.count",
            "{job}",
            "Jobs that were given up.",
            {"": float(figures.dead_letter_count)},
        ),
    )


def _tasks(tasks: TaskManagerFigures, balancer: LoadBalancerFigures) -> tuple[Instrument, ...]:
    states = {"queued": tasks.queued_tasks, "running": tasks.running_tasks}
    outcomes = {"success": tasks.completed_tasks, "failure": tasks.failed_tasks}
    workers = {"active": balancer.active_workers, "idle": max(0, balancer.total_workers - balancer.active_workers)}
    return (
        level(
            "symbi.task.count",
            "{task}",
            "Runs that have not ended, by state.",
            _floats(states),
            attribute="symbi.task.state",
        ),
        level(
            "symbi.task.executions",
            "{task}",
            "Runs that ended.",
            _floats(outcomes),
            attribute="symbi.outcome",
            kind="counter",
        ),
        level(
            "symbi.worker.count",
            "{worker}",
            "Places where runs can go.",
            _floats(workers),
            attribute="symbi.worker.state",
        ),
    )


def _system(system: SystemFigures) -> tuple[Instrument, ...]:
    return (
        level(
            "system.cpu.utilization",
            "1",
            "Share of the machine's CPU in use.",
            {"": system.cpu_usage_percent / 100},
            kind="gauge",
        ),
        level(
            "system.memory.usage",
            "By",
            "Memory in use.",
            {"used": float(system.memory_usage_bytes)},
            attribute="system.memory.state",
        ),
        level("system.memory.limit", "By", "Memory in all.", {"": float(system.memory_total_bytes)}),
        level(
            "process.uptime", "s", "Time since the runtime started.", {"": float(system.uptime_seconds)}, kind="gauge"
        ),
    )


def _floats(values: dict[str, int]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
