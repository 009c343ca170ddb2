"""Writes every decision to the audit log (POL-50)."""

from __future__ import annotations

import hashlib
import logging
from typing import Any, Literal

import msgspec

from symbi.contracts.audit import AuditFailed, AuditLog
from symbi.contracts.errors import SymbiError
from symbi.contracts.masking import mask
from symbi.contracts.policy import Decision, PolicyRequest, action_hash

__all__ = ["record"]

_log = logging.getLogger("symbi.policy")
MOST_BYTES = 4_096
FULL_BYTES = 65_536


async def record(
    audit: AuditLog | None,
    request: PolicyRequest,
    decision: Decision,
    *,
    mode: Literal["strict", "lenient"],
    insecure: bool,
) -> None:
    """Write the record and return once it is durable; with `strict`, raises `AuditFailed` when that is impossible."""
    if audit is None:
        if mode == "strict":
            hint = 'pip install symbi-audit, or [policy] audit = "lenient"'
            raise AuditFailed("no audit log is there, and what cannot be recorded must not happen", hint=hint)
        return
    try:
        await audit.append(
            "policy.decision",
            principal=request.principal,
            subject=request.label()[:512],
            outcome=decision.decision,
            details=_details(request, decision, insecure),
        )
    except SymbiError as error:
        if mode == "strict":
            raise (
                error if isinstance(error, AuditFailed) else AuditFailed(f"the decision cannot be recorded: {error}")
            ) from error
        _log.warning("a decision about %s was not recorded: %s", request.label(), error)


def _details(request: PolicyRequest, decision: Decision, insecure: bool) -> dict[str, Any]:
    full = any(each.kind == "log" for each in decision.obligations)
    details: dict[str, Any] = {
        "action": request.action,
        "target": request.target,
        "agent": request.agent.id if request.agent else None,
        "agent_facts": msgspec.to_builtins(request.agent) if request.agent else None,
        "resource": msgspec.to_builtins(request.resource) if request.resource else None,
        "trusted": _bounded(mask(dict(request.trusted)), MOST_BYTES),
        "run_id": request.run_id or None,
        "call_id": request.call_id or None,
        "surface": request.surface,
        "source": request.source,
        "reason": decision.reason,
        "policies": list(decision.policies),
        "rules": msgspec.to_builtins(decision.rules),
        "errors": list(decision.errors),
        "approvals": list(request.approvals),
        "revision": decision.revision,
        "latency_us": decision.latency_us,
        "action_hash": _hash(request),
        "arguments": _bounded(mask(request.arguments), FULL_BYTES if full else MOST_BYTES),
    }
    if insecure:
        details["insecure"] = True
    return details


def _hash(request: PolicyRequest) -> str | None:
    try:
        return action_hash(request)
    except SymbiError:
        return None


def _bounded(arguments: Any, most: int) -> Any:
    encoded = msgspec.json.encode(arguments)
    if len(encoded) <= most:
        return arguments
    return {"sha256": hashlib.sha256(encoded).hexdigest(), "size": len(encoded)}
