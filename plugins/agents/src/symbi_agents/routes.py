"""The routes below `/api/v1/agents` (seed, "Agent Management"; runtime-api.md §1.3)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Request, delete, get, post, put

from symbi.contracts.agents import AgentService, AgentView, ExecutionMode
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunService
from symbi.http.access import require_admin, require_agent
from symbi.http.tracing import current_traceparent
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi.kernel.services import Services
from symbi_agents.modes import mode_of
from symbi_agents.reports import heartbeat, push_event
from symbi_agents.service import Agents
from symbi_agents.status import status_of

__all__ = ["HANDLERS"]

_HISTORY_MOST = 1000


class CreateAgent(msgspec.Struct, kw_only=True):
    """The body of `POST /agents`: the seed's two fields, upstream's optional ones, and what the SDKs send in the place of a definition."""

    name: str
    dsl: str | None = None
    dslSource: str | None = None  # the JavaScript client's spelling
    id: str | None = None
    description: str | None = None
    system_prompt: str | None = None
    model: str | None = None
    tools: list[Any] | None = None
    execution_mode: Any = None
    capabilities: list[str] | None = None
    metadata: dict[str, str] | None = None


class UpdateAgent(msgspec.Struct, kw_only=True):
    """The body of `PUT /agents/{id}`."""

    name: str | None = None
    dsl: str | None = None


class Execute(msgspec.Struct, kw_only=True):
    """The body of `POST /agents/{id}/execute`; the seed's is empty."""

    parameters: Any = None
    input: Any = None
    timeout: float | None = None
    priority: Literal["low", "normal", "high", "critical"] = "normal"
    metadata: dict[str, Any] | None = None


def _agents(services: Services) -> Agents:
    found = services.get(AgentService)
    assert isinstance(found, Agents)  # this plugin provides it
    return found


@get("/agents")
async def list_agents(
    services: Services, principal: Principal, context: PluginContext, detail: bool = False
) -> list[Any]:
    """List the agents: ids as in the seed, objects with `?detail=true`."""
    found = await services.get(AgentService).list(principal=principal)
    if not detail:
        return [agent.id for agent in found]
    return [{**_shown(agent), "state": (await status_of(agent, context))["state"]} for agent in found]


@post("/agents", status_code=200, guards=[require_admin], opt={"idempotent": True})
async def create_agent(data: CreateAgent, services: Services, principal: Principal) -> dict[str, Any]:
    """Register an agent; its definition is parsed and validated first."""
    agents = _agents(services)
    mode, interval = mode_of(data.execution_mode)
    text = data.dsl if data.dsl is not None else data.dslSource
    derived = text is None and mode != "external"
    if text is None:
        if mode == "external":
            text = ""
        elif data.system_prompt:
            text = agents.definitions.derive(data.name, msgspec.to_builtins(data))
        else:
            raise InvalidRequest(
                "dsl is required",
                hint="send the agent's definition in `dsl`",
                details={"field": "dsl", "reason": "missing_required_field"},
            )
    view = await agents.create(
        data.name, text, principal=principal, mode=mode, metadata=data.metadata, heartbeat_interval_seconds=interval
    )
    answer = {"id": view.id, "status": "created"}
    return {**answer, "dsl": text} if derived else answer


@get("/agents/{agent_id:str}")
async def show_agent(agent_id: str, services: Services, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Show one agent with its definition."""
    agent = await _reached(agent_id, services, principal)
    return {
        **_shown(agent),
        "dsl": agent.text,
        "revision": agent.revision,
        "state": (await status_of(agent, context))["state"],
    }


@put("/agents/{agent_id:str}", guards=[require_admin])
async def update_agent(agent_id: str, data: UpdateAgent, services: Services, principal: Principal) -> dict[str, str]:
    """Replace an agent's name, definition or both."""
    view = await _agents(services).update(agent_id, principal=principal, name=data.name, text=data.dsl)
    return {"id": view.id, "status": "updated"}


@delete("/agents/{agent_id:str}", status_code=200, guards=[require_admin])
async def delete_agent(agent_id: str, services: Services, principal: Principal) -> dict[str, str]:
    """Stop an agent's runs and remove it."""
    await _agents(services).delete(agent_id, principal=principal)
    return {"id": agent_id, "status": "deleted"}


@get("/agents/{agent_id:str}/status")
async def agent_status(
    agent_id: str, services: Services, principal: Principal, context: PluginContext
) -> dict[str, Any]:
    """Show an agent's state with real measurements."""
    return await status_of(await _reached(agent_id, services, principal), context)


@post("/agents/{agent_id:str}/execute", status_code=200, opt={"idempotent": True})
async def execute_agent(
    agent_id: str,
    request: Request[Any, Any, Any],
    services: Services,
    principal: Principal,
    data: Execute | None = None,
) -> dict[str, str]:
    """Start one run of an agent; answers once the run is durable."""
    agent = await _reached(agent_id, services, principal)
    body = data or Execute()
    options = RunOptions(
        trigger="manual",
        priority=body.priority,
        timeout_seconds=body.timeout,
        idempotency_key=request.headers.get("idempotency-key"),
        traceparent=current_traceparent(),
        surface="http-input",
    )
    given = body.parameters if body.parameters is not None else body.input
    run = await services.get(RunService).start(
        agent.id, {} if given is None else given, principal=principal, options=options
    )
    return {"execution_id": run.run_id, "status": "execution_started"}


@get("/agents/{agent_id:str}/history")
async def agent_history(agent_id: str, services: Services, principal: Principal, limit: int = 100) -> dict[str, Any]:
    """List an agent's runs with their real outcomes, newest first."""
    if not 1 <= limit <= _HISTORY_MOST:
        raise InvalidRequest(
            f"limit must be from 1 to {_HISTORY_MOST}", details={"field": "limit", "reason": "out_of_range"}
        )
    agent = await _reached(agent_id, services, principal)
    runs = services.maybe(RunService)
    found = await runs.list(agent_id=agent.id, limit=limit) if runs else []
    return {
        "history": [
            {
                "execution_id": run.run_id,
                "status": run.status,
                "timestamp": rfc3339(run.completed_at or run.started_at or run.created_at),
            }
            for run in found
        ]
    }


@post("/agents/{agent_id:str}/heartbeat", status_code=200)
async def agent_heartbeat(
    agent_id: str, services: Services, principal: Principal, context: PluginContext, data: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Take a sign of life."""
    return await heartbeat(await _reached(agent_id, services, principal), data or {}, context)


@post("/agents/{agent_id:str}/events", status_code=200)
async def agent_event(
    agent_id: str, data: dict[str, Any], services: Services, principal: Principal, context: PluginContext
) -> dict[str, Any]:
    """Push an event to an agent."""
    return await push_event(await _reached(agent_id, services, principal), data, principal=principal, context=context)


async def _reached(agent_id: str, services: Services, principal: Principal) -> AgentView:
    agent = await _agents(services).get(agent_id)
    require_agent(principal, agent.id)
    return agent


def _shown(agent: AgentView) -> dict[str, Any]:
    mode: ExecutionMode = agent.mode
    return {
        "id": agent.id,
        "name": agent.name,
        "agent": agent.agent,
        "execution_mode": mode,
        "source": agent.source,
        "metadata": agent.metadata,
        "created_at": rfc3339(agent.created_at),
        "updated_at": rfc3339(agent.updated_at),
    }


HANDLERS = [
    list_agents,
    create_agent,
    show_agent,
    update_agent,
    delete_agent,
    agent_status,
    execute_agent,
    agent_history,
    agent_heartbeat,
    agent_event,
]
