"""May this principal do this to a channel? The gate is asked; where none is installed, the action is recorded (POL-40)."""

from __future__ import annotations

from typing import Any

from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import Conflict
from symbi.contracts.policy import Gate, PolicyHeld, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.kernel.context import PluginContext

__all__ = ["permit"]


async def permit(
    context: PluginContext,
    action: str,
    principal: Principal,
    *,
    name: str,
    ident: str,
    platform: str,
    arguments: dict[str, Any] | None = None,
) -> None:
    """Ask the gate; raises `PolicyDenied`, or `Conflict` `APPROVAL_REQUIRED` where a person must decide first."""
    gate = context.services.maybe(Gate)
    if gate is None:
        log = context.services.get(AuditLog)
        await log.append(action.replace("_", "."), principal=principal, subject=ident, details={"name": name})
        return
    request = PolicyRequest(
        principal=principal,
        action=action,
        target=name,
        arguments=arguments or {},
        resource=ResourceFacts(type="Channel", id=name, attributes={"id": ident, "platform": platform}),
        surface="api",
        source="api",
    )
    try:
        await gate.authorize(request)
    except PolicyHeld as held:
        raise Conflict(held.message, code="APPROVAL_REQUIRED", details={"approval_id": held.approval_id}) from None
