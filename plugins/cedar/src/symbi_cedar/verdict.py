"""Turns what Cedar answers into a decision: allow only without any error, with a reason that names the policies
(POL-1, POL-6).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from symbi.contracts.policy import Decision, PolicyRequest
from symbi_cedar.obligations import read_obligations, unknown_obligations
from symbi_cedar.parse import ParsedPolicy

if TYPE_CHECKING:
    from cedarpy import AuthzResult

__all__ = ["denied", "verdict"]

_ERROR = re.compile(r"error while evaluating policy `(?P<policy>.*?)`: (?P<why>.*)", re.DOTALL)


def denied(
    request: PolicyRequest,
    reason: str,
    *,
    policies: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
    advice: tuple[str, ...] = (),
    matched: bool = True,
) -> Decision:
    """Return a denial."""
    return Decision(decision="deny", reason=reason, policies=policies, errors=errors, advice=advice, matched=matched)


def verdict(request: PolicyRequest, result: AuthzResult, known: Mapping[str, ParsedPolicy]) -> Decision:
    """Return the decision that Cedar's result amounts to; anything but a clean Allow is a denial."""
    import cedarpy

    diagnostics = result.diagnostics
    ids = tuple(sorted(diagnostics.reasons))
    errors = tuple(_readable(error) for error in diagnostics.errors)
    advice = tuple(text for each in ids if each in known and (text := known[each].annotations.get("advice")))
    if errors:
        return denied(request, f"{request.label()} is denied: {errors[0]}", policies=ids, errors=errors, advice=advice)
    if result.decision is cedarpy.Decision.Deny:
        if ids:
            reason = f"{request.label()} is forbidden by {', '.join(ids)}"
            return denied(request, reason, policies=ids, advice=advice)
        return denied(request, f"no policy permits {request.label()} to {_who(request)}", matched=False)
    if result.decision is not cedarpy.Decision.Allow:
        problem = "the request could not be evaluated"
        return denied(request, f"{request.label()} is denied: {problem}", errors=(problem,))
    return _allowed(request, ids, advice, known)


def _allowed(
    request: PolicyRequest, ids: tuple[str, ...], advice: tuple[str, ...], known: Mapping[str, ParsedPolicy]
) -> Decision:
    obligations = tuple(
        item for each in ids if each in known for item in read_obligations(known[each].annotations, policy=each)
    )
    if unknown := unknown_obligations(obligations):
        problem = f"the obligation {unknown[0]!r} is not known"
        return denied(request, f"{request.label()} is denied: {problem}", policies=ids, errors=(problem,))
    reason = f"{request.label()} is permitted by {', '.join(ids)}"
    return Decision(decision="allow", reason=reason, policies=ids, obligations=obligations, advice=advice)


def _readable(error: str) -> str:
    found = _ERROR.fullmatch(error)
    if found is None:
        return f"the request could not be evaluated: {error}"
    return f"policy {found['policy']} could not be evaluated: {found['why']}"


def _who(request: PolicyRequest) -> str:
    if request.agent is None:
        return request.principal.id
    return f"agent {request.agent.name or request.agent.id}"
