"""What the plugin `audit` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, RouteGroup, Service, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="audit",
        provides="symbi.contracts.audit:AuditLog",
        config="symbi_audit.config:AuditConfig",
        open="symbi_audit.service:open_audit",
        critical=True,
        summary="Records decisions and actions in a signed chain.",
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="audit", load="symbi_audit.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="audit", load="symbi_audit.cli:audit", summary="Check, follow and export the audit log.")
