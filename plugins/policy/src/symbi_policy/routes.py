"""`/api/v1/policy`: what is in force, one decision for the asking, reload and rollback."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.policy import Gate
from symbi.contracts.policy_sets import PolicyReport
from symbi.contracts.principal import Principal
from symbi.http import require_admin, require_scope
from symbi.kernel.services import Services
from symbi_policy.gate import PolicyGate
from symbi_policy.known_tools import unknown_tools
from symbi_policy.questions import DEFAULT_AGENT, Question, answer_of, request_of

__all__ = ["HANDLERS"]


class PolicyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force. `errors` are the findings that refused the last load, if it was refused."""

    engine: str
    revision: str
    state: str
    insecure: bool
    directory: str
    loaded_at: str | None
    files: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    counts: dict[str, int]


class RollbackBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which set to return to: the one before, or that of a revision (or the beginning of one)."""

    revision: str | None = None


@get("/policy", guards=[require_scope("policy:read")])
async def policy_status(services: Services) -> PolicyStatus:
    """Say which policies are in force, since when, and what was wrong with the last load."""
    gate = services.get(Gate)
    status = gate.status()
    unknown = await unknown_tools(gate.sets.actions, services) if isinstance(gate, PolicyGate) else []
    findings = [msgspec.to_builtins(each) for each in (*status.findings, *unknown)]
    return PolicyStatus(
        engine=status.engine,
        revision=status.revision,
        state=status.state,
        insecure=status.state == "insecure",
        directory=status.directory,
        loaded_at=status.loaded_at,
        files=list(status.files),
        errors=[each for each in findings if each["severity"] == "error"],
        warnings=[each for each in findings if each["severity"] == "warning"],
        counts=status.counts,
    )


@post("/policy/evaluate", status_code=200, guards=[require_scope("policy:read")])
async def evaluate(data: Question, principal: Principal, services: Services) -> dict[str, Any]:
    """Say what would be decided about one action; nothing happens, nothing is counted, nothing is recorded."""
    gate = services.get(Gate)
    request = request_of(data, principal, agent=DEFAULT_AGENT)
    return answer_of(request, gate.evaluate(request), policies_dir=gate.status().directory)


@post("/policy/reload", status_code=200, guards=[require_admin])
async def reload(principal: Principal, services: Services) -> dict[str, Any]:
    """Read the policy directory again; 400 with the findings when it is not good, and what was in force stays."""
    report: PolicyReport = await _gate(services).reload(author=principal.id)
    return {"revision": report.revision, "policies": len(report.policies), "findings": report.findings}


@get("/policy/history", guards=[require_scope("policy:read")])
async def history(services: Services) -> dict[str, Any]:
    """List the sets that are or were in force, newest first."""
    keys = ("revision", "loaded_at", "author", "policies")
    return {"sets": [{key: getattr(each, key) for key in keys} for each in _gate(services).sets.history()]}


@post("/policy/rollback", status_code=200, guards=[require_admin])
async def rollback(data: RollbackBody, principal: Principal, services: Services) -> dict[str, Any]:
    """Put an earlier set in force again, until the directory changes."""
    found = await _gate(services).rollback(data.revision, author=principal.id)
    return {"revision": found.revision, "policies": found.policies, "status": "ok"}


def _gate(services: Services) -> PolicyGate:
    gate = services.get(Gate)
    if not isinstance(gate, PolicyGate):
        raise InvalidRequest("another plugin provides the gate, and keeps no history")
    return gate


HANDLERS = [policy_status, evaluate, reload, history, rollback]
