"""`POST /workflows/execute`: run a registered agent or a definition and answer with its real result (seed; F-09)."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, post

from symbi.contracts.agents import AgentService
from symbi.contracts.errors import Forbidden, NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunService, RunView
from symbi.http.access import require_agent
from symbi.http.tracing import current_traceparent
from symbi.kernel.context import PluginContext
from symbi.kernel.services import Services
from symbi_runs.config import ExecutionConfig

__all__ = ["HANDLERS", "TOKENLESS"]

TOKENLESS = Principal(id="open:workflows", kind="user", display_name="caller without a token")
"""Whoever `[auth] open_paths` lets in without a token: policies can name it, and it is no administrator."""


class ExecuteWorkflow(msgspec.Struct, kw_only=True):
    """The seed's body; `workflow_id` names a registered agent, or is a definition itself."""

    workflow_id: str
    parameters: Any = None
    agent_id: str | None = None


@post("/workflows/execute", status_code=200, opt={"auth": "loopback", "idempotent": True})
async def execute_workflow(
    data: ExecuteWorkflow,
    request: Request[Any, Any, Any],
    services: Services,
    principal: Principal,
    context: PluginContext,
) -> Response[Any]:
    """Run the workflow and wait for its result; 202 with the run's id where that takes longer than the limit.

    `agent_id` names the agent to run where `workflow_id` names none; it never changes that agent.
    """
    config = context.settings.section("execution", ExecutionConfig)
    name, definition = await _meant(data, services, principal)
    options = RunOptions(
        trigger="workflow",
        definition=definition,
        idempotency_key=request.headers.get("idempotency-key"),
        traceparent=current_traceparent(),
        surface="http-input",
    )
    runs = services.get(RunService)
    caller = TOKENLESS if principal.kind == "anonymous" else principal
    run = await runs.start(name, data.parameters, principal=caller, options=options)
    return _answer(await runs.wait(run.run_id, timeout=config.workflow_wait_seconds))


async def _meant(data: ExecuteWorkflow, services: Services, principal: Principal) -> tuple[str, str | None]:
    agents = services.get(AgentService)
    for name in (data.workflow_id, data.agent_id):
        found = await agents.resolve(name) if name and len(name) <= 200 else None
        if found is not None:
            if principal.kind != "anonymous":
                require_agent(principal, found.id)
            return found.id, None
        if "{" in data.workflow_id:
            break
    if "{" not in data.workflow_id:
        raise NotFound(f"no workflow {data.workflow_id[:100]!r}", code="WORKFLOW_NOT_FOUND", hint="symbi agents list")
    if not principal.admin and principal.kind != "anonymous":
        raise Forbidden(
            "Running a definition that is not registered needs an administrator's credential.", code="ADMIN_REQUIRED"
        )
    return "", data.workflow_id


def _answer(run: RunView) -> Response[Any]:
    body = {"result": run.result, "status": run.status, "run_id": run.run_id, "agent_id": run.agent_id}
    if run.status == "completed":
        return Response(body)
    if not run.ended:
        return Response(body, status_code=202)
    error = run.error or {}
    denied = error.get("code") == "policy_denied"
    # The runtime itself is well, so this is an answer and no fault of the server: its details are shown.
    failure = {
        "error": f"the workflow {run.status}: {error.get('message') or error.get('code', '')}",
        "code": "POLICY_DENIED" if denied else "WORKFLOW_EXECUTION_FAILED",
        "details": {"run_id": run.run_id, "status": run.status, "error": error},
    }
    return Response(failure, status_code=403 if denied else 500)


HANDLERS = [execute_workflow]
