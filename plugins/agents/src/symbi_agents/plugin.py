"""What the plugin `agents` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, MetricsSource, RouteGroup, Service, Tables, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="agents",
        provides="symbi.contracts.agents:AgentService",
        config="symbi_agents.config:AgentsConfig",
        open="symbi_agents.service:open_agents",
        table="agents",
        optional=("symbi.contracts.policy:Gate", "symbi.contracts.audit:AuditLog"),
        summary="Keeps agents and knows their definitions.",
    )
    yield Service(
        name="agent-messages",
        provides="symbi.contracts.messages:MessageService",
        config="symbi_agents.config:MessagesConfig",
        open="symbi_agents.messages:open_messages",
        requires=("symbi.contracts.agents:AgentService",),
        optional=("symbi.contracts.policy:Gate",),
        summary="Carries messages between agents.",
    )
    yield Service(
        name="agent-folder",
        provides="symbi_agents.folder:FolderSync",
        config="symbi_agents.config:FolderConfig",
        open="symbi_agents.folder:open_folder",
        requires=("symbi.contracts.agents:AgentService",),
        optional=(
            "symbi.contracts.runs:RunService",
            "symbi.contracts.scheduling:SchedulerService",
            "symbi.contracts.channels:ChannelService",
        ),
        summary="Registers what the files in the agents folder declare, at start and on change.",
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="agents", load="symbi_agents.routes:HANDLERS")
    yield RouteGroup(name="agent-messages", load="symbi_agents.message_routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="agents", load="symbi_agents.cli:agents", summary="List, show, add and remove agents.")


@hookimpl
def metrics_sources() -> Iterator[MetricsSource]:
    yield MetricsSource(name="flat", collect="symbi_agents.figures:collect")


@hookimpl
def tables() -> Iterator[Tables]:
    yield Tables(name="agents", load="symbi_agents.tables:METADATA", migrations="")
