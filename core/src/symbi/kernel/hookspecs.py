"""The manual of every hook: what it is for, when it is called, what chooses among the offers.

All hooks are synchronous declarations, called once at start. They do no I/O and import no vendor library; they return an iterable of typed,
frozen structs. Whatever is asynchronous or heavy lives in what the offers' `open` gives. Every spec's body is its null implementation.

A plugin module reads like a table of contents:

    from symbi import hookimpl

    @hookimpl
    def exporters():
        from symbi.contracts.metrics import Exporter
        yield Exporter(name="stdout", open="my_plugin.exporter:open_exporter", config="my_plugin.config:StdoutConfig", summary="Writes to stdout.")
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from symbi.contracts.channels import ChannelPlatform
    from symbi.contracts.delivery import DeliveryTarget
    from symbi.contracts.effects import EffectHandler
    from symbi.contracts.embedders import EmbedderOffer
    from symbi.contracts.executors import ExecutorOffer
    from symbi.contracts.languages import AgentLanguage
    from symbi.contracts.metrics import Exporter
    from symbi.contracts.models import ModelProvider
    from symbi.contracts.offers import (
        Command,
        EventListener,
        HealthCheck,
        MetricsSource,
        Offer,
        RouteGroup,
        Service,
        Tables,
    )
    from symbi.contracts.policy_engines import PolicyEngineOffer
    from symbi.contracts.scanner import ScannerRule
    from symbi.contracts.tools import Toolset
    from symbi.contracts.vectors import VectorBackend

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT = "symbi"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def exporters() -> Iterable[Exporter]:
    """Offer exporters of metrics snapshots; each opens to an object with `async export(snapshot)`.

    Chosen by `[metrics] exporters = ["name"]`. An exporter that fails or hangs never delays the others.

        yield Exporter(name="stdout", open="my_plugin.exporter:open_exporter", summary="Writes snapshots to stdout.")
    """
    return ()


@hookspec
def scanner_rules() -> Iterable[ScannerRule]:
    """Offer rules of the skill scanner; every rule carries the snippets that prove it (`bad`, `good`).

    All rules are on unless the operator disables one by id. A broken rule is an error that names the rule and its plugin.

        yield ScannerRule(id="my-rule", category="custom", severity="high", message="…", check=Pattern(r"evil\\("), bad=("evil(x)",), good=("x",))
    """
    return ()


@hookspec
def vector_backends() -> Iterable[VectorBackend]:
    """Offer vector stores; each opens to a `VectorStore`. Chosen by `[vector_db] backend`.

    yield VectorBackend(name="mine", open="my_plugin.store:open_store", summary="Keeps vectors in …")
    """
    return ()


@hookspec
def channel_platforms() -> Iterable[ChannelPlatform]:
    """Offer chat platforms; each opens one configured channel to send, receive and report health. Chosen by `platform` of `POST /channels`.

    yield ChannelPlatform(name="irc", config="my_plugin.config:IrcConfig", open="my_plugin.channel:open_channel")
    """
    return ()


@hookspec
def policy_engines() -> Iterable[PolicyEngineOffer]:
    """Offer policy engines; each opens to a `PolicyEngine` that decides one request. Chosen by `[policy] engine`.

    A security path: an engine that cannot be opened, or that raises, means deny.

        yield PolicyEngineOffer(name="mine", open="my_plugin.engine:open_engine")
    """
    return ()


@hookspec
def embedders() -> Iterable[EmbedderOffer]:
    """Offer embedders; each opens to an `Embedder` that turns texts into vectors. Chosen by `[context] embedder`.

    yield EmbedderOffer(name="mine", open="my_plugin.embedder:open_embedder")
    """
    return ()


@hookspec
def llm_providers() -> Iterable[ModelProvider]:
    """Offer providers of language models; each opens to a `ChatModel` that streams completions. Chosen by `[llm] provider` or the agent.

    Keys stay in the parent process.

        yield ModelProvider(name="mine", open="my_plugin.provider:open_provider")
    """
    return ()


@hookspec
def agent_languages() -> Iterable[AgentLanguage]:
    """Offer languages in which agents are defined. Chosen by the suffix of a file; the one named `symbi` serves definitions sent as text.

    yield AgentLanguage(name="yaml", suffixes=(".agent.yaml",), open="my_plugin.language:open_language", entry="my_plugin.host:run")
    """
    return ()


@hookspec
def agent_executors() -> Iterable[ExecutorOffer]:
    """Offer places where agents run; each opens to an `AgentExecutor`. Chosen by `[execution] executor` and the agent's sandbox tier.

    An executor says which tiers it really provides here; a tier that nobody provides refuses the run.

        yield ExecutorOffer(name="mine", open="my_plugin.executor:open_executor")
    """
    return ()


@hookspec
def run_engines() -> Iterable[Offer]:
    """Offer engines that distribute queued runs over nodes; each opens to a `RunEngine`. Chosen by `[execution] engine`.

    yield Offer(name="mine", open="my_plugin.engine:open_engine")
    """
    return ()


@hookspec
def tools() -> Iterable[Toolset]:
    """Offer sets of tools that agents may call through the gate; each opens to a `ToolProvider`.

    Opened when installed, unless `default=False`. What an agent may call is decided by policy, never by installing.

        yield Toolset(name="weather", open="my_plugin.weather:open_tools", summary="Looks up the weather.")
    """
    return ()


@hookspec
def effect_handlers() -> Iterable[EffectHandler]:
    """Offer to carry out a kind of effect (`remember`, `model` …) once the gate has allowed it.

    One handler a kind; a second one is a collision. An effect whose kind nobody handles fails and names what to install.

        yield EffectHandler(kind="remember", handle="my_plugin.effects:remember", summary="Keeps a memory of the agent.")
    """
    return ()


@hookspec
def signers() -> Iterable[Offer]:
    """Offer signers of reviewed tools; each opens to a `Signer`. Chosen by `[review] signer`. A security path: no signer, no signature.

    yield Offer(name="kms", open="my_plugin.kms:open_signer")
    """
    return ()


@hookspec
def review_analyzers() -> Iterable[Offer]:
    """Offer analyzers of submitted tools; each opens to a `ReviewAnalyzer`. Chosen by `[review] analyzers`; they can only raise the risk.

    yield Offer(name="mine", open="my_plugin.analyzer:open_analyzer")
    """
    return ()


@hookspec
def delivery_targets() -> Iterable[DeliveryTarget]:
    """Offer places where results are delivered (a file, a webhook, a channel). Chosen by the schedule's or agent's `deliver`.

    yield DeliveryTarget(name="webhook", open="my_plugin.webhook:open_target")
    """
    return ()


@hookspec
def services() -> Iterable[Service]:
    """Offer services of a feature, opened at start in the order of their needs and found by the Protocol they provide.

    yield Service(name="notes", provides="my_plugin.contract:NotesService", open="my_plugin.service:open_notes")
    """
    return ()


@hookspec
def routes() -> Iterable[RouteGroup]:
    """Offer Litestar handlers below `/api/v1`; tried in a scratch application first, so that a broken one costs only its plugin.

    yield RouteGroup(name="notes", load="my_plugin.routes:HANDLERS")
    """
    return ()


@hookspec
def commands() -> Iterable[Command]:
    """Offer click commands or groups of `symbi`; `load` is imported only when the command is used.

    yield Command(name="notes", load="my_plugin.cli:notes", summary="Keep notes.")
    """
    return ()


@hookspec
def tables() -> Iterable[Tables]:
    """Offer tables of the record store with their Alembic branch; brought up to date at start, under a lock.

    yield Tables(name="notes", load="my_plugin.tables:METADATA", migrations="my_plugin.migrations")
    """
    return ()


@hookspec
def event_listeners() -> Iterable[EventListener]:
    """Offer listeners to bus events, each behind a bounded queue of its own.

    yield EventListener(name="notes", event="symbi.contracts.runs:RunEnded", listen="my_plugin.listener:on_run_ended")
    """
    return ()


@hookspec
def health_checks() -> Iterable[HealthCheck]:
    """Offer checks of health beyond what opened services say of themselves; each has a deadline.

    yield HealthCheck(name="disk", check="my_plugin.health:check_disk")
    """
    return ()


@hookspec
def metrics_sources() -> Iterable[MetricsSource]:
    """Offer figures for the metrics snapshot, merged into the block called `name`; cheap, no I/O beyond a count in the store.

    yield MetricsSource(name="notes", collect="my_plugin.figures:collect")
    """
    return ()
