"""What this plugin offers: the service of channels, its routes, commands, tables and figures, and a delivery target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi import Command, MetricsSource, RouteGroup, Service, Tables
    from symbi.contracts.delivery import DeliveryTarget


@hookimpl
def services() -> Iterable[Service]:
    """Offer the service that keeps, runs and audits channels."""
    from symbi import Service

    yield Service(
        name="channels",
        provides="symbi.contracts.channels:ChannelService",
        config="symbi_channels.config:ChannelsConfig",
        open="symbi_channels.service:open_channels",
        table="channels",
        summary="Connects agents to rooms of chat platforms.",
        requires=("symbi.contracts.audit:AuditLog",),
        optional=(
            "symbi.contracts.policy:Gate",
            "symbi.contracts.runs:RunService",
            "symbi.contracts.agents:AgentService",
            "symbi.contracts.approvals:Approvals",
        ),
    )


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """Offer `/channels`."""
    from symbi import RouteGroup

    yield RouteGroup(name="channels", load="symbi_channels.routes:HANDLERS")


@hookimpl
def commands() -> Iterable[Command]:
    """Offer `symbi channels`."""
    from symbi import Command

    yield Command(name="channels", load="symbi_channels.cli:channels", summary="Connect agents to chat rooms.")


@hookimpl
def tables() -> Iterable[Tables]:
    """Offer channels, mappings, inbox, outbox."""
    from symbi import Tables

    yield Tables(name="channels", load="symbi_channels.tables:METADATA", migrations="symbi_channels.migrations")


@hookimpl
def metrics_sources() -> Iterable[MetricsSource]:
    """Offer what goes in and out of every channel."""
    from symbi import MetricsSource

    yield MetricsSource(name="channels", collect="symbi_channels.figures:collect")


@hookimpl
def delivery_targets() -> Iterable[DeliveryTarget]:
    """Offer channels as places where results go."""
    from symbi.contracts.delivery import DeliveryTarget

    yield DeliveryTarget(
        name="channel",
        config="symbi_channels.delivery:ChannelTargetConfig",
        open="symbi_channels.delivery:open_target",
        table="channels",
        summary="Posts a result in a channel.",
    )
