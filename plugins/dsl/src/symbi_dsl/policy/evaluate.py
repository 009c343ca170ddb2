"""Decides one action by the rules of an agent: deny, then requirements, then allow, then the closed world (`dsl.md` §8)."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Any

from symbi.contracts.definitions import PolicyRule, RuleSet
from symbi.contracts.languages import RuleRequest, RuleVerdict
from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.values import from_json, to_json
from symbi_dsl.policy.guards import Guard, Undefined, parse_expression
from symbi_dsl.policy.requirements import Requirement, Unmet
from symbi_dsl.policy.targets import Target
from symbi_dsl.syntax.expressions import Record, StructLiteral
from symbi_dsl.syntax.node import Node

__all__ = ["evaluate_rules"]

_SHOWN = 120


def evaluate_rules(rules: RuleSet, request: RuleRequest) -> RuleVerdict:
    """Return what the rules say of one action; fails closed and never raises."""
    if rules.empty:
        return RuleVerdict(decision="defer")
    try:
        return _compiled(rules).decide(request)
    except (RecursionError, MemoryError):
        return RuleVerdict(decision="deny", reason="the rules can not be evaluated for this request")


@lru_cache(maxsize=256)
def _compiled(rules: RuleSet) -> _Rules:
    return _Rules(rules)


class _Rule:
    """One rule, ready to be asked."""

    def __init__(self, policy: str, rule: PolicyRule) -> None:
        self.policy = policy
        self.rule = rule
        self.label = " ".join(f"{rule.effect}: {rule.target}".split())[:_SHOWN]
        self.problem: str | None = None
        self.target: Target | None = None
        self.requirement: Requirement | None = None
        self.guard = Guard(rule.guard) if rule.guard is not None else None
        self.config: list[tuple[str, Node, Guard]] = []
        try:
            node = parse_expression(rule.target)
            if rule.effect == "require":
                self.requirement = Requirement(policy, rule, node)
            else:
                self.target = Target(rule.target, node, strict=rule.effect == "deny")
            if rule.effect == "audit":
                record = parse_expression(rule.config) if rule.config is not None else node
                pairs = record.pairs if isinstance(record, Record | StructLiteral) else []
                self.config = [(key, value, Guard(rule.target, value)) for key, value in pairs]
        except Undefined as error:
            self.problem = str(error)

    def verdict(self, decision: Any, reason: str, **more: Any) -> RuleVerdict:
        """Return a verdict that names this rule."""
        return RuleVerdict(
            decision=decision, reason=reason, policy=self.policy, rule=self.label, line=self.rule.line, **more
        )


class _Rules:
    """All rules of one agent."""

    def __init__(self, rules: RuleSet) -> None:
        self.lock = Lock()
        found = [_Rule(policy.name, rule) for policy in rules.policies for rule in policy.rules]
        self.by_effect = {
            effect: [item for item in found if item.rule.effect == effect]
            for effect in ("deny", "require", "allow", "audit")
        }
        self.closed = rules.default_deny or bool(self.by_effect["allow"])

    def decide(self, request: RuleRequest) -> RuleVerdict:
        """Decide one action."""
        notes: list[str] = []
        try:
            facts = _facts(request)
        except LanguageError as error:
            return RuleVerdict(decision="deny", reason=f"the request can not be read: {error.message}")
        with self.lock:
            audit = tuple(self._audits(request, facts, notes))
            more: dict[str, Any] = {"audit": audit, "limits": {}}
            verdict = self._decide(request, facts, notes, more)
        return _with_notes(verdict, notes)

    def _decide(
        self, request: RuleRequest, facts: dict[str, Any], notes: list[str], more: dict[str, Any]
    ) -> RuleVerdict:
        for item in self.by_effect["deny"]:
            if self._applies(item, request, facts, notes, unsure=True):
                return item.verdict("deny", f"policy '{item.policy}' denies it (line {item.rule.line})", **more)
        hold: RuleVerdict | None = None
        for item in self.by_effect["require"]:
            unmet = self._unmet(item, request, facts, notes, more["limits"])
            if unmet is not None and unmet.hold:
                hold = hold or item.verdict("hold", f"policy '{item.policy}': {unmet}", **more)
            elif unmet is not None:
                reason = f"policy '{item.policy}' requires {item.rule.target[:_SHOWN]}: {unmet}"
                return item.verdict("deny", reason, **more)
        for item in self.by_effect["allow"]:
            if self._applies(item, request, facts, notes, unsure=False):
                reason = f"policy '{item.policy}' allows it (line {item.rule.line})"
                return hold or item.verdict("allow", reason, **more)
        if self.closed:
            reason = f"no rule allows '{request.action[:_SHOWN]}', and what is not allowed is denied"
            return RuleVerdict(decision="deny", reason=reason, **more)
        return hold or RuleVerdict(decision="defer", reason="no rule speaks of it", **more)

    def _applies(
        self, item: _Rule, request: RuleRequest, facts: dict[str, Any], notes: list[str], *, unsure: bool
    ) -> bool:
        """Tell whether a rule speaks of the action; what can not be told counts as `unsure`."""
        try:
            if item.target is None:
                raise Undefined(item.problem or "the target can not be read")
            matched, bound = item.target.match(request, facts)
            if not matched:
                return False
            return item.guard is None or item.guard.holds({**facts, **bound})
        except (Undefined, LanguageError) as error:
            notes.append(f"{item.policy}:{item.rule.line} {item.label}: {error}; counted as {str(unsure).lower()}")
            return unsure

    def _unmet(
        self, item: _Rule, request: RuleRequest, facts: dict[str, Any], notes: list[str], limits: dict[str, Any]
    ) -> Unmet | None:
        """Return why a requirement does not hold, or None."""
        where = f"{item.policy}:{item.rule.line} {item.label}"
        try:
            if item.guard is not None and not item.guard.holds(facts):
                return None
        except Undefined as error:
            notes.append(f"{where}: {error}; its guard counted as true")
        try:
            if item.requirement is None:
                raise Undefined(item.problem or "the requirement can not be read")
            item.requirement.check(request, facts, limits)
        except Unmet as unmet:
            return unmet
        except (Undefined, LanguageError) as error:
            notes.append(f"{where}: {error}; counted as false")
            return Unmet(str(error))
        return None

    def _audits(self, request: RuleRequest, facts: dict[str, Any], notes: list[str]) -> list[dict[str, Any]]:
        found = []
        for item in self.by_effect["audit"]:
            if not self._applies(item, request, facts, notes, unsure=True):
                continue
            entry: dict[str, Any] = {"policy": item.policy, "rule": item.label, "line": item.rule.line}
            entry["config"] = {"include_input": False, **_config(item, facts, notes)}
            found.append(entry)
        return found


def _config(item: _Rule, facts: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, node, value in item.config:
        try:
            found[key] = to_json(value.value(facts))
        except (Undefined, LanguageError):
            found[key] = getattr(node, "name", None)
            notes.append(f"{item.policy}:{item.rule.line} audit: '{key}' has no value here")
    return found


def _facts(request: RuleRequest) -> dict[str, Any]:
    facts = {key: from_json(value) for key, value in request.environment.items()}
    facts["action"] = request.action
    facts["arguments"] = from_json(request.arguments)
    facts.setdefault("parameters", facts["arguments"])
    if request.resource is not None:
        facts["resource"] = from_json(request.resource)
    return facts


def _with_notes(verdict: RuleVerdict, notes: list[str]) -> RuleVerdict:
    if not notes:
        return verdict
    return RuleVerdict(
        decision=verdict.decision,
        reason=verdict.reason,
        policy=verdict.policy,
        rule=verdict.rule,
        line=verdict.line,
        audit=verdict.audit,
        limits=verdict.limits,
        diagnostics=tuple(notes),
    )
