"""May this principal do this to a schedule? The gate is asked; where none is installed, the action is recorded (POL-40)."""

from __future__ import annotations

from symbi.contracts.agents import AgentView
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import Conflict, Forbidden, PolicyDenied
from symbi.contracts.policy import Gate, PolicyHeld, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.kernel.context import PluginContext

__all__ = ["permit", "permit_agent", "refuse_denied"]


async def permit(
    context: PluginContext, action: str, principal: Principal, *, ident: str, name: str, agent: str
) -> None:
    """Ask the gate; raises `PolicyDenied`, or `Conflict` `APPROVAL_REQUIRED` where a person must decide first."""
    gate = context.services.maybe(Gate)
    if gate is None:
        log = context.services.maybe(AuditLog)
        if log is not None:
            await log.append(
                action.replace("_", "."), principal=principal, subject=ident, details={"name": name, "agent": agent}
            )
        return
    try:
        await gate.authorize(_question(action, principal, ident, name, agent))
    except PolicyHeld as held:
        raise Conflict(held.message, code="APPROVAL_REQUIRED", details={"approval_id": held.approval_id}) from None


def refuse_denied(context: PluginContext, principal: Principal, *, ident: str, name: str, agent: str) -> None:
    """Raise `PolicyDenied` where policy forbids this principal to fire the schedule; the decision itself is made and recorded at the fire."""
    gate = context.services.maybe(Gate)
    if gate is None:
        return
    decision = gate.evaluate(_question("schedule_run", principal, ident, name, agent))
    if decision.decision == "deny":
        raise PolicyDenied(decision.reason, details=decision.denial())


def _question(action: str, principal: Principal, ident: str, name: str, agent: str) -> PolicyRequest:
    resource = ResourceFacts(type="Schedule", id=name, attributes={"id": ident, "agent": agent})
    return PolicyRequest(
        principal=principal, action=action, target=name, resource=resource, surface="api", source="api"
    )


def permit_agent(principal: Principal, agent: AgentView) -> None:
    """Raise `Forbidden` (`AGENT_SCOPE_DENIED`) unless the credential reaches the agent."""
    if not principal.may_use_agent(agent.id):
        raise Forbidden("This credential does not reach that agent.", code="AGENT_SCOPE_DENIED")
