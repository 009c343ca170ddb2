"""What this plugin offers: the list of held actions, its routes, its commands, its table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi import Command, MetricsSource, RouteGroup, Service, Tables


@hookimpl
def services() -> Iterable[Service]:
    """Offer the durable list of held actions."""
    from symbi import Service

    yield Service(
        name="approvals",
        provides="symbi.contracts.approvals:Approvals",
        config="symbi_approvals.config:ApprovalsConfig",
        open="symbi_approvals.service:open_approvals",
        summary="Holds actions until a person decides, or time does.",
        optional=("symbi.contracts.audit:AuditLog",),
    )


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """Offer the list and the two answers."""
    from symbi import RouteGroup

    yield RouteGroup(name="approvals", load="symbi_approvals.routes:HANDLERS")


@hookimpl
def commands() -> Iterable[Command]:
    """Offer `symbi approvals`."""
    from symbi import Command

    yield Command(
        name="approvals", load="symbi_approvals.cli:approvals", summary="List, approve and deny actions that wait."
    )


@hookimpl
def tables() -> Iterable[Tables]:
    """Offer the table of held actions and their votes."""
    from symbi import Tables

    yield Tables(name="approvals", load="symbi_approvals.tables:METADATA", migrations="symbi_approvals.migrations")


@hookimpl
def metrics_sources() -> Iterable[MetricsSource]:
    """Offer how many actions wait, and how many were decided which way."""
    from symbi import MetricsSource

    yield MetricsSource(name="approvals", collect="symbi_approvals.figures:collect")
