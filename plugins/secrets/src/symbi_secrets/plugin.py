"""What the plugin `secrets` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, MetricsSource, RouteGroup, Service, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="secrets",
        provides="symbi.contracts.secrets:SecretStore",
        config="symbi_secrets.config:SecretsConfig",
        open="symbi_secrets.service:open_secrets",
        table="secrets",
        optional=("symbi.contracts.audit:AuditLog",),
        summary="Keeps secrets encrypted and gives them to tools alone.",
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="secrets", load="symbi_secrets.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="secrets", load="symbi_secrets.cli:secrets", summary="Set, list, remove and re-encrypt secrets.")


@hookimpl
def metrics_sources() -> Iterator[MetricsSource]:
    yield MetricsSource(name="flat", collect="symbi_secrets.figures:collect_flat")
