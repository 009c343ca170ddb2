"""What the scheduler adds to Symbi: a table of contents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi import Command, MetricsSource, RouteGroup, Service, Tables

__all__: list[str] = []


@hookimpl
def services() -> Iterable[Service]:
    """The service that keeps and fires schedules."""
    from symbi import Service

    yield Service(
        name="scheduler",
        provides="symbi.contracts.scheduling:SchedulerService",
        config="symbi_scheduler.config:SchedulerConfig",
        open="symbi_scheduler.service:open_scheduler",
        table="scheduler",
        summary="Fires agents at their times, each due instant exactly once.",
        requires=("symbi.contracts.agents:AgentService",),
        optional=(
            "symbi.contracts.runs:RunService",
            "symbi.contracts.policy:Gate",
            "symbi.contracts.approvals:Approvals",
            "symbi.contracts.audit:AuditLog",
        ),
    )


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """`/schedules`, `/calendars` and `/health/scheduler`."""
    from symbi import RouteGroup

    yield RouteGroup(name="scheduler", load="symbi_scheduler.routes:HANDLERS")


@hookimpl
def commands() -> Iterable[Command]:
    """`symbi cron …`."""
    from symbi import Command

    yield Command(name="cron", load="symbi_scheduler.cli:cron", summary="Preview cron expressions and keep schedules.")


@hookimpl
def tables() -> Iterable[Tables]:
    """Schedules, fires, deliveries, calendars."""
    from symbi import Tables

    yield Tables(name="scheduler", load="symbi_scheduler.tables:METADATA", migrations="symbi_scheduler.migrations")


@hookimpl
def metrics_sources() -> Iterable[MetricsSource]:
    """The `scheduler` block of the snapshot, and how late fires were."""
    from symbi import MetricsSource

    yield MetricsSource(name="scheduler", collect="symbi_scheduler.figures:collect")
    yield MetricsSource(name="scheduler_fires", collect="symbi_scheduler.figures:collect_fires")
