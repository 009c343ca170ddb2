"""The decision itself: engine, defaults, the agent's own rules, obligations; no record, no side effect."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable

import msgspec

from symbi.contracts.policy import END_ACTIONS, AgentRules, Decision, Obligation, PolicyRequest
from symbi.contracts.policy_engines import PolicyEngine
from symbi_policy.agent_rules import apply_rules
from symbi_policy.config import PolicyConfig
from symbi_policy.insecure import INSECURE_DECISION
from symbi_policy.obligations import fulfil
from symbi_policy.rates import RateCounter

__all__ = ["Judge", "deny_all"]


def deny_all(request: PolicyRequest, reason: str, *, revision: str = "") -> Decision:
    """Return the denial of a gate that has nothing to decide by."""
    return Decision(
        decision="deny", reason=f"{request.label()} is denied: {reason}", errors=(reason,), revision=revision
    )


class Judge:
    """Combines everything that has a say. A denial by any of them stands."""

    def __init__(
        self,
        engine: PolicyEngine,
        config: PolicyConfig,
        rates: RateCounter,
        *,
        now_ms: Callable[[], int],
        insecure: bool = False,
        approval_tools: tuple[str, ...] = (),
    ) -> None:
        self.engine = engine
        self.insecure = insecure
        self._config = config
        self._rates = rates
        self._now_ms = now_ms
        self._approval_tools = approval_tools

    def judge(self, request: PolicyRequest, rules: AgentRules | None) -> Decision:
        """Return the decision about one action."""
        if self.insecure:
            return msgspec.structs.replace(INSECURE_DECISION, revision=self.engine.revision)
        request = request if request.time_ms else msgspec.structs.replace(request, time_ms=self._now_ms())
        decision = self._weigh(request, rules)
        if decision.decision != "modify":
            return decision
        changed = msgspec.structs.replace(request, arguments=decision.arguments)
        again = self._weigh(changed, rules)  # one hop: what is modified must be allowed as modified (RSN-10)
        return decision if again.allowed else again

    def _weigh(self, request: PolicyRequest, rules: AgentRules | None) -> Decision:
        decision = self._defaults(request, self._ask(request))
        decision = apply_rules(request, decision, rules, self._rates)
        if not decision.allowed:
            return decision
        return fulfil(request, self._demand_approval(request, decision), self._rates)

    def _ask(self, request: PolicyRequest) -> Decision:
        try:
            return self.engine.decide(request)
        except Exception as error:  # fail closed, though engines promise not to raise
            return deny_all(request, f"the policy engine failed: {type(error).__name__}: {error}")

    def _defaults(self, request: PolicyRequest, decision: Decision) -> Decision:
        """Turn a denial that only comes from silence into what silence means here."""
        if decision.allowed or decision.matched or decision.errors:
            return decision
        if request.action in END_ACTIONS:
            return msgspec.structs.replace(decision, decision="allow", reason="a run may always end")
        people = request.agent is None and request.principal.kind not in ("agent", "anonymous")
        if people and request.source != "model" and self._config.operator_default == "allow":
            reason = f"no policy speaks of {request.label()}, and {request.principal.id} is no agent"
            return msgspec.structs.replace(decision, decision="allow", reason=reason)
        return decision

    def _demand_approval(self, request: PolicyRequest, decision: Decision) -> Decision:
        if request.action != "tool_call":
            return decision
        if not any(fnmatch.fnmatchcase(request.target, pattern) for pattern in self._approval_tools):
            return decision
        demanded = Obligation(kind="approval", value="operators", policy="require_approval_tools")
        return msgspec.structs.replace(decision, obligations=(*decision.obligations, demanded))
