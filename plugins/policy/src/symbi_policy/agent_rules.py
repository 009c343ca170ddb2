"""Asks an agent's own policy blocks, beside the engine: they can only narrow what the operator permits (dsl.md §8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from symbi.contracts.definitions import PolicyRule
from symbi.contracts.languages import RuleRequest, RuleVerdict
from symbi.contracts.policy import END_ACTIONS, AgentRules, Decision, Obligation, PolicyRequest, RuleRef
from symbi_policy.rates import RateCounter

__all__ = ["OPERATIONS", "apply_rules", "count_rule_rates"]

OPERATIONS = {
    "memory_write": ("remember",),
    "memory_read": ("recall",),
    "memory_forget": ("forget",),
    "knowledge_read": ("recall",),
    "knowledge_write": ("remember",),
    "comm_send": ("send", "publish"),
}
"""What the agent language calls a kind of action, where the two differ; a rule may use either name."""


def apply_rules(
    request: PolicyRequest, decision: Decision, rules: AgentRules | None, rates: RateCounter | None = None
) -> Decision:
    """Return the decision after the agent's own rules; a denial of either side stands."""
    if rules is None or rules.rules.empty or not decision.allowed:
        return decision
    verdict = _judge(request, rules, _counted(request, rules, rates))
    decision = _audited(decision, verdict)
    closed_world = verdict.decision == "deny" and not verdict.rule and not verdict.line
    if verdict.decision == "defer" or (closed_world and request.action in END_ACTIONS):
        return decision
    refs = (RuleRef(policy=verdict.policy, rule=verdict.rule, line=verdict.line),) if verdict.policy else ()
    if verdict.decision == "deny":
        reason = verdict.reason or f"no rule of the agent allows {request.label()}"
        return msgspec.structs.replace(
            decision,
            decision="deny",
            reason=reason,
            rules=(*refs, *decision.rules),
            errors=decision.errors + verdict.diagnostics,
        )
    obligations = decision.obligations
    if verdict.decision == "hold":
        obligations += (Obligation(kind="approval", value="operators", policy=verdict.policy),)
    return msgspec.structs.replace(
        decision, rules=(*refs, *decision.rules), obligations=obligations, limits=verdict.limits
    )


def _audited(decision: Decision, verdict: RuleVerdict) -> Decision:
    """Return the decision with the agent's `audit` rules that matched: each is named in the record, which then holds the arguments in full."""
    if not verdict.audit:
        return decision
    refs = tuple(
        RuleRef(
            policy=str(each.get("policy", "")), rule=f"audit: {each.get('rule', '')}", line=int(each.get("line", 0))
        )
        for each in verdict.audit
    )
    full = Obligation(kind="log", value="full", policy=refs[0].policy)
    return msgspec.structs.replace(decision, rules=refs, obligations=(*decision.obligations, full))


def count_rule_rates(request: PolicyRequest, rules: AgentRules | None, rates: RateCounter) -> None:
    """Count an action that happens against every `rate_limiting` that the agent's rules require."""
    if rules is not None and request.action not in END_ACTIONS:
        for name, rule in _limited(rules):
            rates.add(_rate_key(request, rules, name, rule), most=(rule.rate_count or 0) + 1)


def _counted(request: PolicyRequest, rules: AgentRules, rates: RateCounter | None) -> dict[str, int] | None:
    if rates is None:
        return None
    return {
        name: rates.count(_rate_key(request, rules, name, rule), float(rule.rate_window_seconds or 0))
        for name, rule in _limited(rules)
    }


def _limited(rules: AgentRules) -> Iterator[tuple[str, PolicyRule]]:
    """Yield `(policy:line, rule)` of each rule that requires a rate; the language judges the count."""
    for policy in rules.rules.policies:
        for rule in policy.rules:
            if rule.effect == "require" and rule.rate_count is not None:
                yield f"{policy.name}:{rule.line}", rule


def _rate_key(request: PolicyRequest, rules: AgentRules, name: str, rule: PolicyRule) -> str:
    who = request.agent.id if request.agent else request.principal.id
    if rule.rate_key is None:
        return f"rule\0{who}\0{name}"
    value: Any = _environment(request, rules, "")
    for part in rule.rate_key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return f"rule\0{who}\0{name}\0{msgspec.json.encode(value, order='sorted').decode()}"


def _judge(request: PolicyRequest, rules: AgentRules, rates: dict[str, int] | None) -> RuleVerdict:
    """Ask under the language's name and the kind's own; the stricter answer counts."""
    verdicts = []
    for name in dict.fromkeys((*OPERATIONS.get(request.action, ()), _name(request))):
        if name:
            asked = _asked(request, rules, name, rates)
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


def _asked(request: PolicyRequest, rules: AgentRules, name: str, rates: dict[str, int] | None) -> RuleRequest:
    agent = request.agent
    return RuleRequest(
        action=name,
        arguments=request.arguments if isinstance(request.arguments, dict) else {},
        resource=(request.resource.id if request.resource else request.target) or None,
        environment=_environment(request, rules, name),
        capabilities=rules.capabilities,
        sandbox=rules.sandbox or (agent.tier if agent else None),
        approved=bool(request.approvals),
        rates=rates,
    )


def _environment(request: PolicyRequest, rules: AgentRules, name: str) -> dict[str, Any]:
    """Return the names that guards may read; what the runtime knows wins over what came in with the run (POL-5)."""
    agent, who = request.agent, request.principal
    arguments = request.arguments if isinstance(request.arguments, dict) else {}
    given: dict[str, Any] = {"parameters": arguments, **dict(rules.environment)}
    known: dict[str, Any] = {
        "action": name,
        "request": arguments,
        "session": {"id": request.session},
        "user": {"id": who.id, "kind": who.kind, "admin": who.admin, "roles": sorted(who.roles)},
        "agent": msgspec.to_builtins(agent) if agent else {},
        "context": {
            "surface": request.surface,
            "source": request.source,
            "depth": request.depth,
            "iteration": request.iteration,
            "time": request.time_ms,
            **dict(request.trusted),
        },
        "signature_verified": bool(request.resource and request.resource.attributes.get("verified") is True),
        "concurrent_agents": request.trusted.get("concurrent_agents"),
        "requirements": list(request.trusted.get("requirements", ())),
    }
    return {**given, **known}
