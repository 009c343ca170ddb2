"""What every route asks before it does anything: which agent is meant, whether the credential reaches it, and whether policy allows it (POL-40)."""

from __future__ import annotations

from typing import Any

from symbi.contracts.agents import AgentService
from symbi.contracts.audit import AuditLog
from symbi.contracts.context import ContextService
from symbi.contracts.errors import Forbidden, InvalidRequest
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import SHARED, Scope
from symbi.http.access import require_agent
from symbi.kernel.context import PluginContext
from symbi_context.service import Context

__all__ = ["Asked", "asked", "service_of"]

_CHANGING = ("memory_write", "memory_share", "memory_forget", "knowledge_write")


class Asked:
    """A request that may go on: the service, and the scope that it is about."""

    def __init__(self, service: Context, scope: Scope) -> None:
        self.service = service
        self.scope = scope


def service_of(context: PluginContext) -> Context:
    """Return the service of this plugin."""
    service = context.services.get(ContextService)
    assert isinstance(service, Context)  # this plugin provides it
    return service


async def asked(
    context: PluginContext,
    principal: Principal,
    agent: str | None,
    action: str,
    *,
    shared: bool = False,
    level: str = "public",
    arguments: dict[str, Any] | None = None,
) -> Asked:
    """Return the scope of the agent that a request names (id or name), once everybody who has a say has agreed.

    With `shared`, no name means the knowledge of the whole tenant, which only administrators and holders of `knowledge:write` may change.
    """
    service = service_of(context)
    owner = await _owner(context, principal, agent, action, shared=shared)
    gate = context.services.maybe(Gate)
    if gate is not None:
        kind = "Knowledge" if action.startswith("knowledge") else "Memory"
        resource = ResourceFacts(type=kind, id=owner, attributes={"level": level})
        request = PolicyRequest(
            principal=principal,
            action=action,
            target=owner,
            resource=resource,
            arguments=arguments or {},
            surface="api",
            source="api",
        )
        await gate.authorize(request)
    elif action in _CHANGING:
        log = context.services.maybe(AuditLog)
        if log is not None:
            await log.append(action.replace("_", ".", 1), principal=principal, subject=owner, outcome="allow")
    return Asked(service, await service.operator_scope(owner, principal=principal))


async def _owner(context: PluginContext, principal: Principal, agent: str | None, action: str, *, shared: bool) -> str:
    if not agent or agent == SHARED:
        if not shared:
            raise InvalidRequest("agent is required", details={"field": "agent", "reason": "missing_required_field"})
        writes = action in _CHANGING
        if writes and not principal.admin and "knowledge:write" not in principal.scopes:
            raise Forbidden(
                "Shared knowledge needs an administrator or the scope 'knowledge:write'.", code="SCOPE_REQUIRED"
            )
        return SHARED
    agents = context.services.maybe(AgentService)
    view = await agents.resolve(agent) if agents is not None else None
    owner = view.id if view is not None else agent
    require_agent(principal, owner)
    return owner
