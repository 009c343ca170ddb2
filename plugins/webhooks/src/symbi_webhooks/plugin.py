"""What this plugin offers: a service that takes `webhook` blocks, and the routes that they declare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi import RouteGroup, Service


@hookimpl
def services() -> Iterable[Service]:
    """Offer the taker of `webhook` blocks."""
    from symbi import Service

    yield Service(
        name="webhooks",
        provides="symbi_webhooks.service:Webhooks",
        config="symbi_webhooks.config:WebhooksConfig",
        open="symbi_webhooks.service:open_webhooks",
        table="webhooks",
        summary="Starts agents on signed requests from elsewhere.",
        requires=("symbi.contracts.runs:RunService", "symbi.contracts.agents:AgentService"),
        optional=("symbi.contracts.policy:Gate", "symbi.contracts.audit:AuditLog"),
    )


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """Offer `/hooks/…` and `/webhooks/…`."""
    from symbi import RouteGroup

    yield RouteGroup(name="webhooks", load="symbi_webhooks.routes:HANDLERS", prefix="/")
