"""Makes a run that may be stored: the agent resolved, the input fitted, policy asked, what it needs counted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.errors import Conflict, NotFound, PayloadTooLarge, PolicyDenied
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts, Source
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunEvent, RunOptions
from symbi.contracts.telemetry import TraceSampler, run_trace
from symbi_runs.config import ExecutionConfig
from symbi_runs.prepare import MIB, fit_input
from symbi_runs.queue import rank_of
from symbi_runs.records import RunRecord
from symbi_runs.statements import KnownKey, NewRun

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["authorize", "find_agent", "make_run"]

_SOURCES: dict[str, Source] = {
    "schedule": "schedule", "channel": "channel", "event": "event", "message": "event", "webhook": "event",
    "workflow": "api", "manual": "human", "cli": "human", "chat": "human",
}  # fmt: skip


async def find_agent(context: PluginContext, name: str, options: RunOptions) -> tuple[AgentView, AgentSpec]:
    """Return the agent that is meant and its facts; with a definition in the options, that one (F-09).

    Raises `NotFound`, `Conflict` for one that cannot be run here, or what the language says of the definition.
    """
    agents = context.services.get(AgentService)
    if options.definition is not None:
        view = _for_this_run_alone(context, name, options.definition)
        spec = await agents.spec(view)
        # Several agents of one text are several agents: a run of one may delegate to the others.
        return msgspec.structs.replace(view, id=f"{view.id}:{spec.name}"[:80], name=spec.name, agent=spec.name), spec
    agent = await agents.resolve(name)
    if agent is None or agent.archived:
        raise NotFound(f"no agent {name!r}", code="AGENT_NOT_FOUND", hint="symbi agents list")
    if agent.mode == "external":
        raise Conflict(f"agent {agent.name!r} runs elsewhere and only reports here", code="AGENT_EXTERNAL")
    return agent, await agents.spec(agent)


def _for_this_run_alone(context: PluginContext, name: str, text: str) -> AgentView:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    now = context.clock.now_ms()
    return AgentView(
        id=f"adhoc:{digest[:24]}",
        name=name,
        agent=name,
        text=text,
        revision=digest,
        language="symbi",
        mode="ephemeral",
        source="api",
        owner="",
        metadata={},
        created_at=now,
        updated_at=now,
    )


async def authorize(
    context: PluginContext, agent: AgentView, given: Any, principal: Principal, options: RunOptions
) -> None:
    """Ask the gate whether the principal may run the agent; raises `PolicyDenied` or `PolicyHeld`."""
    request = PolicyRequest(
        principal=principal,
        action="workflow_execute" if options.trigger == "workflow" else "agent_execute",
        target=agent.name,
        arguments=given,
        resource=ResourceFacts(type="Agent", id=agent.id, attributes={"name": agent.name, "owner": agent.owner}),
        surface=options.surface,
        session=options.session or "",
        depth=options.depth,
        chain=options.chain,
        source=_SOURCES.get(options.trigger, "system"),
        trusted={
            "trigger": options.trigger,
            **({"policy_ids": list(options.policy_ids)} if options.policy_ids else {}),
        },
    )
    decision = await context.services.get(Gate).authorize(request)
    silent = [each for each in options.policy_ids if each not in decision.policies]
    if silent:
        raise PolicyDenied(
            f"the run needs policy {silent[0]!r} to allow it, and that does not",
            details={
                "code": "policy_denied",
                "policies": list(decision.policies),
                "required": list(options.policy_ids),
            },
        )


def make_run(
    context: PluginContext,
    config: ExecutionConfig,
    agent: AgentView,
    spec: AgentSpec,
    given: Any,
    *,
    principal: Principal,
    options: RunOptions,
) -> NewRun:
    """Return the run to be stored; raises `InvalidRequest` or `PayloadTooLarge` for its input."""
    arguments = fit_input(spec, given)
    size = len(msgspec.json.encode(arguments))
    if size > config.max_input_bytes:
        raise PayloadTooLarge(f"the input of {size} bytes is over the limit of {config.max_input_bytes}")
    now = context.clock.now_ms()
    run_id = context.ids.uuid()
    priority = options.priority if options.priority != "normal" else spec.priority
    trace = run_trace(run_id, options.traceparent, context.services.maybe(TraceSampler))
    kept = msgspec.to_builtins(
        msgspec.structs.replace(options, definition=None, idempotency_key=None, traceparent=trace)
    )
    record = RunRecord(
        id=run_id,
        agent_id=agent.id,
        agent=agent.name,
        revision=agent.revision,
        mode=agent.mode,
        status="queued",
        trigger=options.trigger,
        priority=priority,
        rank=rank_of(priority, now_ms=now, ageing_seconds=config.ageing_seconds),
        not_before=0,
        principal_id=principal.id,
        principal=principal,
        input=arguments,
        max_attempts=options.max_attempts or ((spec.retries or 0) + 1 if spec.retries else config.max_attempts),
        schedule_id=options.schedule_id,
        scheduled_for=options.scheduled_for,
        options=kept,
        memory_bytes=spec.max_memory_mb * MIB if spec.max_memory_mb else config.run_memory_bytes,
        cores=int((spec.max_cpu_cores or 0) * 1000),
        created_at=now,
    )
    event = RunEvent(
        run_id=run_id,
        seq=1,
        at=now,
        kind="queued",
        data={"agent": agent.name, "trigger": options.trigger, "priority": priority, "traceparent": trace},
    )
    return NewRun(
        record=record,
        language=agent.language,
        text=agent.text,
        event=event,
        key=_key(options, principal, agent, arguments),
    )


def _key(options: RunOptions, principal: Principal, agent: AgentView, arguments: dict[str, Any]) -> KnownKey | None:
    if options.idempotency_key is None:
        return None
    scope = hashlib.sha256(msgspec.json.encode([principal.id, agent.id, options.idempotency_key])).hexdigest()
    fingerprint = hashlib.sha256(msgspec.json.encode(arguments, order="sorted")).hexdigest()
    return KnownKey(scope=scope, fingerprint=fingerprint)
