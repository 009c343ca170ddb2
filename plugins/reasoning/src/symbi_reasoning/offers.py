"""What a run's model is offered: tools that policy could allow, in the order of `adaptive`, and what the runtime itself can do for it."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService
from symbi.contracts.effects import EffectContext
from symbi.contracts.models import ModelTool
from symbi.contracts.policy import AgentFacts, Gate, PolicyRequest, ResourceFacts
from symbi.contracts.reasoning import Adaptive, Task
from symbi.contracts.tools import ToolService, ToolSpec
from symbi.kernel.points import EFFECT_HANDLERS
from symbi_reasoning.loop.brief import OfferedTool

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_reasoning.config import ReasoningConfig

__all__ = ["RECALL", "STORE", "Offers", "delegate_tool", "offers_of", "virtual_tool"]

MOST_AGENTS = 50

RECALL = ModelTool(
    name="recall_knowledge",
    description="Search what you have remembered and what you know.",
    parameters={
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "maximum": 20}},
        "required": ["query"],
    },
)
STORE = ModelTool(
    name="store_knowledge",
    description="Remember a fact for later runs.",
    parameters={
        "type": "object",
        "properties": {
            "subject": {"type": "string"},
            "predicate": {"type": "string"},
            "object": {"type": "string"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "required": ["subject", "predicate", "object"],
    },
)


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """The offer of one run; `recalls` tells that its memory may be read."""

    tools: tuple[OfferedTool, ...]
    specs: tuple[ToolSpec, ...]
    hidden: dict[str, str]
    recalls: bool


async def offers_of(
    context: PluginContext, config: ReasoningConfig, run: EffectContext, task: Task, about: dict[str, Any], *, tier: str
) -> Offers:
    """Return what the run's model is offered. What is left out can still be called, and is then denied like anything else."""
    service = context.services.maybe(ToolService)
    gate = context.services.get(Gate)
    asking = PolicyRequest(
        principal=run.principal,
        action="tool_call",
        agent=AgentFacts(id=run.agent_id, name=run.agent, tier=tier),
        surface=run.surface,
        depth=run.depth,
        chain=run.chain,
    )
    specs = list(await service.list()) if service is not None else []
    wanted = [str(each) for each in about.get("tools") or ()]
    if wanted:
        specs = [spec for spec in specs if any(fnmatch.fnmatchcase(spec.name, pattern) for pattern in wanted)]
    visible = set(gate.visible_tools(asking, [_facts(spec) for spec in specs]))
    hidden = {spec.name: "policy can never allow it" for spec in specs if spec.name not in visible}
    specs = [spec for spec in specs if spec.name in visible]
    adaptive = context.services.maybe(Adaptive)
    if adaptive is not None:
        curation = await adaptive.curate(task, specs)
        specs, hidden = list(curation.tools), {**hidden, **curation.hidden}
    tools = [_offered(spec) for spec in specs]
    recalls = _possible(context, gate, asking, "recall", "memory_read")
    if config.knowledge_tools and recalls:
        tools.append(OfferedTool(name=RECALL.name, kind="recall", idempotent=True))
    if config.knowledge_tools and _possible(context, gate, asking, "remember", "memory_write"):
        tools.append(OfferedTool(name=STORE.name, kind="remember"))
    agents = await _agents(context, gate, asking, run)
    if agents:
        tools.append(OfferedTool(name="delegate", kind="delegate", targets=agents))
    return Offers(tools=tuple(tools), specs=tuple(specs), hidden=hidden, recalls=recalls)


def _facts(spec: ToolSpec) -> ResourceFacts:
    attributes: dict[str, str | int | bool] = {
        "server": spec.server,
        "risk": spec.risk,
        "verified": spec.verified,
        "idempotent": spec.idempotent,
    }
    return ResourceFacts(type="Tool", id=spec.name, attributes=attributes)


def _offered(spec: ToolSpec) -> OfferedTool:
    return OfferedTool(
        name=spec.name,
        kind="tool",
        idempotent=spec.idempotent,
        server=spec.server,
        trusted=spec.verified and not spec.network,
    )


def _possible(context: PluginContext, gate: Gate, asking: PolicyRequest, kind: str, action: str) -> bool:
    if kind not in context.catalogue(EFFECT_HANDLERS):
        return False
    facts = ResourceFacts(type="Memory", id="default")
    return gate.evaluate(msgspec.structs.replace(asking, action=action, resource=facts)).decision != "deny"


async def _agents(context: PluginContext, gate: Gate, asking: PolicyRequest, run: EffectContext) -> tuple[str, ...]:
    service = context.services.maybe(AgentService)
    if service is None:
        return ()
    found = []
    for agent in (await service.list(principal=run.principal))[:MOST_AGENTS]:
        if agent.archived or agent.mode == "external" or agent.id == run.agent_id or agent.id in run.chain:
            continue
        facts = ResourceFacts(type="Agent", id=agent.name)
        request = msgspec.structs.replace(
            asking, action="delegate", target=agent.name, resource=facts, arguments={"message": ""}
        )
        if gate.evaluate(request).decision != "deny":
            found.append(agent.name)
    return tuple(found)


def delegate_tool(targets: list[str]) -> ModelTool:
    """Return the tool that hands a task to another agent."""
    return ModelTool(
        name="delegate",
        description="Have another agent do a part of the task, and get its answer.",
        parameters={
            "type": "object",
            "properties": {"agent": {"type": "string", "enum": targets}, "task": {"type": "string"}},
            "required": ["agent", "task"],
        },
    )


def virtual_tool(name: str, targets: list[str]) -> ModelTool | None:
    """Return a tool of the runtime's own by name, or None."""
    if name == "delegate":
        return delegate_tool(targets)
    return {RECALL.name: RECALL, STORE.name: STORE}.get(name)
