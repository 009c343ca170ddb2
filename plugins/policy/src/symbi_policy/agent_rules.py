"""Asks an agent's own policy blocks, beside the engine: they can only narrow what the operator permits (dsl.md §8)."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.languages import RuleRequest, RuleVerdict
from symbi.contracts.policy import END_ACTIONS, AgentRules, Decision, Obligation, PolicyRequest, RuleRef

__all__ = ["OPERATIONS", "apply_rules"]

OPERATIONS = {
    "memory_write": "remember", "memory_read": "recall", "memory_forget": "forget", "comm_send": "send",
    "knowledge_read": "recall", "knowledge_write": "remember",
}  # fmt: skip
"""What the agent language calls a kind of action, where the two differ; a rule may use either name."""


def apply_rules(request: PolicyRequest, decision: Decision, rules: AgentRules | None) -> Decision:
    """Return the decision after the agent's own rules; a denial of either side stands."""
    if rules is None or rules.rules.empty or not decision.allowed:
        return decision
    verdict = _judge(request, rules)
    closed_world = verdict.decision == "deny" and not verdict.rule and not verdict.line
    if verdict.decision == "defer" or (closed_world and request.action in END_ACTIONS):
        return decision
    refs = (RuleRef(policy=verdict.policy, rule=verdict.rule, line=verdict.line),) if verdict.policy else ()
    if verdict.decision == "deny":
        reason = verdict.reason or f"no rule of the agent allows {request.label()}"
        return msgspec.structs.replace(
            decision, decision="deny", reason=reason, rules=refs, errors=decision.errors + verdict.diagnostics
        )
    obligations = decision.obligations
    if verdict.decision == "hold":
        obligations += (Obligation(kind="approval", value="operators", policy=verdict.policy),)
    return msgspec.structs.replace(decision, rules=refs, obligations=obligations)


def _judge(request: PolicyRequest, rules: AgentRules) -> RuleVerdict:
    """Ask under the language's name and the kind's own; the stricter answer counts."""
    verdicts = []
    for name in dict.fromkeys((OPERATIONS.get(request.action), _name(request))):
        if name:
            asked = _asked(request, rules, name)
            try:
                verdicts.append(rules.language.evaluate_rules(rules.rules, asked))
            except Exception as error:  # fail closed: a language that breaks must not let anything through
                reason = f"the agent's rules could not be evaluated: {type(error).__name__}"
                return RuleVerdict(decision="deny", reason=reason, policy="?", diagnostics=(repr(error),))
    spoken = [each for each in verdicts if each.decision in ("deny", "hold") and (each.rule or each.line)]
    if spoken:
        return min(spoken, key=lambda each: each.decision != "deny")
    return next((each for each in verdicts if each.decision == "allow"), verdicts[0])


def _name(request: PolicyRequest) -> str:
    return request.target if request.action == "tool_call" else request.action


def _asked(request: PolicyRequest, rules: AgentRules, name: str) -> RuleRequest:
    agent, who = request.agent, request.principal
    arguments = request.arguments if isinstance(request.arguments, dict) else {}
    own: dict[str, Any] = {
        "action": name,
        "request": arguments,
        "parameters": arguments,
        "session": {"id": request.session},
        "user": {"id": who.id, "admin": who.admin, "roles": sorted(who.roles)},
        "agent": msgspec.to_builtins(agent) if agent else {},
        "context": {
            "surface": request.surface,
            "source": request.source,
            "depth": request.depth,
            "iteration": request.iteration,
            "time": request.time_ms,
            **dict(request.trusted),
        },
    }
    return RuleRequest(
        action=name,
        arguments=arguments,
        resource=(request.resource.id if request.resource else request.target) or None,
        environment={**own, **dict(rules.environment)},
        capabilities=rules.capabilities,
        sandbox=rules.sandbox or (agent.tier if agent else None),
        approved=bool(request.approvals),
    )
