"""What the plugin `reasoning` offers: models by name, the loop of agents without a body, conversations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import Command, EventListener, MetricsSource, RouteGroup, Service, Tables, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.effects import EffectHandler

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="models",
        provides="symbi.contracts.reasoning:Models",
        config="symbi_reasoning.config:LlmConfig",
        open="symbi_reasoning.models:open_models",
        table="llm",
        summary="Knows which models there are and opens their providers.",
    )
    yield Service(
        name="reasoning",
        provides="symbi.contracts.reasoning:ReasoningHost",
        config="symbi_reasoning.config:ReasoningConfig",
        open="symbi_reasoning.hosting:open_reasoning",
        table="reasoning",
        requires=("symbi.contracts.reasoning:Models",),
        optional=(
            "symbi.contracts.policy:Gate",
            "symbi.contracts.tools:ToolService",
            "symbi.contracts.reasoning:Adaptive",
            "symbi.contracts.agents:AgentService",
        ),
        summary="Runs agents without a body: observe, reason, gate, act.",
    )


@hookimpl
def effect_handlers() -> Iterator[EffectHandler]:
    from symbi.contracts.effects import EffectHandler

    yield EffectHandler(
        kind="brief",
        handle="symbi_reasoning.hosting:brief",
        summary="Tells a loop what it begins with.",
        gated=False,
        idempotent=True,
    )
    yield EffectHandler(
        kind="model", handle="symbi_reasoning.asking:model", summary="Asks a language model.", idempotent=True
    )
    yield EffectHandler(
        kind="reason", handle="symbi_reasoning.patterns:reason", summary="Reasons for a program.", idempotent=True
    )
    yield EffectHandler(
        kind="llm", handle="symbi_reasoning.patterns:llm", summary="Asks a model once for a program.", idempotent=True
    )


@hookimpl
def event_listeners() -> Iterator[EventListener]:
    yield EventListener(
        name="reasoning-accounts",
        event="symbi.contracts.runs:RunEnded",
        listen="symbi_reasoning.ends:on_run_ended",
    )


@hookimpl
def tables() -> Iterator[Tables]:
    yield Tables(name="chat", load="symbi_reasoning.chat.tables:METADATA", migrations="symbi_reasoning.migrations")


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="chat", load="symbi_reasoning.chat.routes:HANDLERS")
    yield RouteGroup(name="chat-tickets", load="symbi_reasoning.chat.socket:TICKETS")
    yield RouteGroup(name="chat-socket", load="symbi_reasoning.chat.socket:HANDLERS", prefix="/")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="chat", load="symbi_reasoning.chat.cli:chat", summary="Talk with an agent.")


@hookimpl
def metrics_sources() -> Iterator[MetricsSource]:
    yield MetricsSource(name="reasoning", collect="symbi_reasoning.figures:collect")
