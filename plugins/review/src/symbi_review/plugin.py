"""What the plugin `review` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import Command, HealthCheck, RouteGroup, Service, Tables, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.tools import Toolset

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="review",
        provides="symbi.contracts.signing:ApprovalRegister",
        config="symbi_review.config:ReviewConfig",
        open="symbi_review.service:open_review",
        table="review",
        summary="Reviews of tools: analysis, people, signing.",
    )


@hookimpl
def tools() -> Iterator[Toolset]:
    from symbi.contracts.tools import Toolset

    yield Toolset(
        name="signed", open="symbi_review.installed.toolset:open_toolset", summary="Tools of installed signed packages."
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="review", load="symbi_review.api.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="review", load="symbi_review.cli:review", summary="Submit tools for review, decide, watch.")
    yield Command(
        name="tools sign", load="symbi_review.cli:sign", summary="Get the signed package of an approved review."
    )
    yield Command(
        name="tools install", load="symbi_review.install_cli:install", summary="Install a signed tool package."
    )
    yield Command(
        name="tools installed", load="symbi_review.install_cli:installed", summary="List installed tool packages."
    )


@hookimpl
def tables() -> Iterator[Tables]:
    yield Tables(name="review", load="symbi_review.tables:METADATA", migrations="")


@hookimpl
def health_checks() -> Iterator[HealthCheck]:
    yield HealthCheck(name="review", check="symbi_review.health:check")
