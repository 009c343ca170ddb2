"""What this plugin offers: durable runs, their routes and commands, and the executor for trusted entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import Command, HealthCheck, MetricsSource, Offer, RouteGroup, Service, Tables, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.effects import EffectHandler
    from symbi.contracts.executors import ExecutorOffer

__all__: list[str] = []


@hookimpl
def services() -> Iterable[Service]:
    """Offer the service of runs."""
    yield Service(
        name="runs",
        provides="symbi.contracts.runs:RunService",
        config="symbi_runs.config:ExecutionConfig",
        open="symbi_runs.service:open_runs",
        table="execution",
        requires=("symbi.contracts.agents:AgentService",),
        optional=(
            "symbi.contracts.policy:Gate",
            "symbi.contracts.approvals:Approvals",
            "symbi.contracts.audit:AuditLog",
            "symbi.contracts.tools:ToolService",
            "symbi.contracts.secrets:SecretStore",
        ),
        summary="Starts, follows and stops runs of agents.",
    )


@hookimpl
def agent_executors() -> Iterable[ExecutorOffer]:
    """Offer the executor for trusted entries."""
    from symbi.contracts.executors import ExecutorOffer

    yield ExecutorOffer(
        name="inline",
        config="symbi_runs.inline:InlineConfig",
        open="symbi_runs.inline:open_inline",
        summary="Runs trusted entries in a thread of the runtime itself: no confinement, for built-in use and tests.",
    )


@hookimpl
def run_engines() -> Iterable[Offer]:
    """Offer the engine of one node, or of several on one PostgreSQL."""
    yield Offer(
        name="local",
        config="symbi_runs.config:ExecutionConfig",
        open="symbi_runs.engine:open_local",
        table="execution",
        summary="Keeps the queue in memory and the truth in the store; nodes on one PostgreSQL share it.",
    )


@hookimpl
def effect_handlers() -> Iterable[EffectHandler]:
    """Offer the effects that runs carry out themselves."""
    from symbi_runs.builtin import HANDLERS

    yield from HANDLERS


@hookimpl
def routes() -> Iterable[RouteGroup]:
    """Offer the routes of runs and workflows."""
    yield RouteGroup(name="runs", load="symbi_runs.routes:HANDLERS")
    yield RouteGroup(name="runs-forks", load="symbi_runs.forks:HANDLERS")
    yield RouteGroup(name="workflows", load="symbi_runs.workflows:HANDLERS")


@hookimpl
def commands() -> Iterable[Command]:
    """Offer the commands of runs."""
    yield Command(name="run", load="symbi_runs.cli.run:run", summary="Run an agent here, under policy, and watch it.")
    yield Command(name="runs", load="symbi_runs.cli.runs:runs", summary="List, show, follow and cancel runs.")
    yield Command(
        name="worker", load="symbi_runs.cli.worker:worker", summary="Take runs from a shared store, without a server."
    )


@hookimpl
def tables() -> Iterable[Tables]:
    """Offer the tables of runs."""
    yield Tables(name="runs", load="symbi_runs.tables:METADATA", migrations="symbi_runs.migrations")


@hookimpl
def metrics_sources() -> Iterable[MetricsSource]:
    """Offer the seed's figures of runs."""
    yield MetricsSource(name="task_manager", collect="symbi_runs.figures:task_manager")
    yield MetricsSource(name="load_balancer", collect="symbi_runs.figures:load_balancer")
    yield MetricsSource(name="flat", collect="symbi_runs.figures:flat")


@hookimpl
def health_checks() -> Iterable[HealthCheck]:
    """Say whether runs are taken."""
    yield HealthCheck(name="runs", check="symbi_runs.health:check_runs")
