"""What this plugin offers: the gate, its routes, its commands and its figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi import Command, MetricsSource, RouteGroup, Service


@hookimpl
def services() -> Iterable[Service]:
    """Offer the one door that every effect passes."""
    from symbi import Service

    yield Service(
        name="policy",
        provides="symbi.contracts.policy:Gate",
        table="policy",
        config="symbi_policy.config:PolicyConfig",
        open="symbi_policy.service:open_gate",
        summary="Decides, records and admits every effect.",
        optional=("symbi.contracts.audit:AuditLog",),
        critical=True,
    )


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """Offer what is in force, and one decision for the asking."""
    from symbi import RouteGroup

    yield RouteGroup(name="policy", load="symbi_policy.routes:HANDLERS")


@hookimpl
def commands() -> Iterable[Command]:
    """Offer `symbi policy`."""
    from symbi import Command

    yield Command(
        name="policy", load="symbi_policy.cli:policy", summary="Evaluate, check, test, compare and format policies."
    )


@hookimpl
def metrics_sources() -> Iterable[MetricsSource]:
    """Offer how many actions were allowed, denied, held and modified."""
    from symbi import MetricsSource

    yield MetricsSource(name="policy", collect="symbi_policy.figures:collect")
