"""What the plugin `context` offers: memory as a service, its effects, routes, commands, tables and figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import Command, MetricsSource, RouteGroup, Service, Tables, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.effects import EffectHandler
    from symbi.contracts.tools import Toolset

__all__: list[str] = []


@hookimpl
def services() -> Iterable[Service]:
    """Offer memory, and the vectors below it."""
    yield Service(
        name="vectors",
        provides="symbi_context.vectors:Vectors",
        config="symbi_context.config:VectorDbConfig",
        open="symbi_context.vectors:open_vectors",
        table="vector_db",
        summary="Chooses, opens and feeds the vector backend.",
    )
    yield Service(
        name="context",
        provides="symbi.contracts.context:ContextService",
        config="symbi_context.config:ContextConfig",
        open="symbi_context.service:open_context",
        table="context",
        requires=("symbi_context.vectors:Vectors",),
        optional=(
            "symbi.contracts.policy:Gate",
            "symbi.contracts.audit:AuditLog",
            "symbi.contracts.agents:AgentService",
        ),
        summary="Keeps what agents remember, know and have said.",
    )


@hookimpl
def effect_handlers() -> Iterable[EffectHandler]:
    """Offer what agents may do with their memory."""
    from symbi.contracts.effects import EffectHandler

    yield EffectHandler(
        kind="remember", handle="symbi_context.effects:remember", summary="Keeps a memory of the agent."
    )
    yield EffectHandler(
        kind="recall", handle="symbi_context.effects:recall", summary="Searches what the agent knows.", idempotent=True
    )
    yield EffectHandler(
        kind="forget", handle="symbi_context.effects:forget", summary="Erases memories of the agent.", idempotent=True
    )


@hookimpl
def tools() -> Iterable[Toolset]:
    """Offer memory as tools for models."""
    from symbi.contracts.tools import Toolset

    yield Toolset(name="memory", open="symbi_context.toolset:open_tools", summary="Search, save and forget memories.")


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """Offer `/context`."""
    yield RouteGroup(name="context", load="symbi_context.routes:HANDLERS")


@hookimpl
def commands() -> Iterable[Command]:
    """Offer `symbi knowledge` and `symbi memory`."""
    yield Command(
        name="knowledge",
        load="symbi_context.cli_knowledge:knowledge",
        summary="Add, search, list and remove documents.",
    )
    yield Command(
        name="memory",
        load="symbi_context.cli_memory:memory",
        summary="Look into, search and mend what agents remember.",
    )


@hookimpl
def tables() -> Iterable[Tables]:
    """Offer the tables of memory."""
    yield Tables(name="context", load="symbi_context.tables:METADATA", migrations="")


@hookimpl
def metrics_sources() -> Iterable[MetricsSource]:
    """Offer the block `context` and the flat `vector_db_items`."""
    yield MetricsSource(name="context", collect="symbi_context.figures:collect")
    yield MetricsSource(name="flat", collect="symbi_context.figures:collect_flat")
