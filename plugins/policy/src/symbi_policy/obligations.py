"""Carries out what a permit demands: redaction, rate, sandbox, approval (POL-7)."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from symbi.contracts.policy import Decision, Obligation, PolicyRequest
from symbi_policy.rates import RateCounter, read_rate

__all__ = ["KNOWN", "REDACTED", "approval_groups", "count_rates", "fulfil", "redact"]

KNOWN = frozenset({"approval", "redact", "rate", "log", "sandbox"})
REDACTED = "[REDACTED]"
TIERS = {"tier0": 0, "hosted": 0, "tier1": 1, "tier2": 2, "tier3": 3, "tier4": 4}


def fulfil(request: PolicyRequest, decision: Decision, rates: RateCounter) -> Decision:
    """Return the decision that an allowed action amounts to once its obligations are weighed; never counts a rate."""
    for each in decision.obligations:
        if each.kind not in KNOWN:
            return _deny(decision, f"{request.label()} is denied: the obligation {each.kind!r} is not known")
        if each.kind == "sandbox" and not _confined(request, each.value):
            return _deny(decision, f"{request.label()} is denied: it needs a sandbox of {each.value} or stronger")
        if each.kind == "rate" and (problem := _too_often(request, each, rates)):
            return _deny(decision, f"{request.label()} is denied: {problem}")
    if missing := [group for group in approval_groups(decision) if group not in request.approvals]:
        reason = f"{request.label()} waits for the approval of {', '.join(missing)}"
        return msgspec.structs.replace(decision, decision="hold", reason=reason)
    paths = [each.value for each in decision.obligations if each.kind == "redact"]
    arguments = redact(request.arguments, paths)
    if arguments == request.arguments:
        return decision
    reason = f"{decision.reason}; without {', '.join(paths)}"
    return msgspec.structs.replace(decision, decision="modify", reason=reason, arguments=arguments)


def count_rates(request: PolicyRequest, decision: Decision, rates: RateCounter) -> None:
    """Count an action that happens against the rates it is obliged to."""
    for each in decision.obligations:
        if each.kind == "rate":
            rates.add(_rate_key(request, each), most=read_rate(each.value)[0])


def approval_groups(decision: Decision) -> tuple[str, ...]:
    """Return the groups whose approval is demanded, sorted, each once."""
    return tuple(sorted({each.value or "operators" for each in decision.obligations if each.kind == "approval"}))


def redact(arguments: Any, paths: list[str]) -> Any:
    """Return the arguments with what the paths (`args.x.y`) name replaced; what is not there stays so."""
    if not paths:
        return arguments
    changed = copy.deepcopy(arguments)
    for path in paths:
        *parents, last = path.split(".")[1:]
        place = changed
        for name in parents:
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict) and last in place:
            place[last] = REDACTED
    return changed


def _confined(request: PolicyRequest, wanted: str) -> bool:
    return request.agent is not None and TIERS.get(request.agent.tier, -1) >= TIERS.get(wanted, 99)


def _too_often(request: PolicyRequest, obligation: Obligation, rates: RateCounter) -> str | None:
    try:
        limit, seconds = read_rate(obligation.value)
    except (ValueError, KeyError):
        return f"the rate {obligation.value!r} of {obligation.policy} cannot be read"
    if rates.count(_rate_key(request, obligation), seconds) < limit:
        return None
    return f"{obligation.policy} lets it happen {limit} times in {seconds:g} s"


def _rate_key(request: PolicyRequest, obligation: Obligation) -> str:
    who = request.agent.id if request.agent else request.principal.id
    return f"{obligation.policy}\0{obligation.value}\0{who}"


def _deny(decision: Decision, reason: str) -> Decision:
    return msgspec.structs.replace(decision, decision="deny", reason=reason)
