"""Policy blocks as data for the gate; what could not be enforced is said (spec `dsl.md` §8)."""

from __future__ import annotations

import re
from typing import Any

from symbi.contracts.definitions import PolicyRule, PolicySpec
from symbi_dsl.facts.scope import Scope
from symbi_dsl.policy.names import ENFORCED_REQUIREMENTS, IMPURE_CALLS, parse_rate
from symbi_dsl.syntax.expressions import Call, Member, Name, Record
from symbi_dsl.syntax.items import Policy, Rule
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statements import For, While
from symbi_dsl.syntax.walk import walk

__all__ = ["policy_spec"]

_SPACE = re.compile(r"[ \t\r\n]+")


def policy_spec(scope: Scope, node: Policy) -> PolicySpec:
    """Return the facts of one policy block."""
    return PolicySpec(name=node.name, line=scope.line(node), rules=tuple(_rule(scope, rule) for rule in node.rules))


def _rule(scope: Scope, rule: Rule) -> PolicyRule:
    for part in (rule.guard, rule.config):
        if part is not None:
            _check_pure(scope, part)
    if rule.effect == "require":
        _check_pure(scope, rule.target)
    line, column = scope.source.position(rule.start)
    enforced, ignored = _requirements(scope, rule)
    return PolicyRule(
        effect=rule.effect,
        target=scope.text(rule.target),
        guard=scope.text(rule.guard) if rule.guard is not None else None,
        config=scope.text(rule.config) if rule.config is not None else None,
        line=line,
        column=column,
        enforced=enforced,
        not_enforced=ignored,
        **_rate(scope, rule),
    )


def _check_pure(scope: Scope, root: Node) -> None:
    """Report calls that a guard can not make: it must be decided without asking anybody."""
    for node in walk(root):
        if isinstance(node, For | While):
            scope.error("E419", "a policy can not loop", node, "use `any`, `all`, `filter` or `map` with a lambda")
        if not isinstance(node, Call):
            continue
        name = _called(node.target)
        if name is not None and (name in IMPURE_CALLS or name.split(".")[0] in ("http", "memory")):
            scope.error(
                "E419", f"a policy can not call '{name}'", node, "guards are pure: compare facts of the request"
            )


def _called(node: Node) -> str | None:
    if isinstance(node, Name):
        return str(node.name)
    if isinstance(node, Member):
        inner = _called(node.target)
        return f"{inner}.{node.name}" if inner else None
    return None


def _requirements(scope: Scope, rule: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if rule.effect != "require" or not isinstance(rule.target, Record):
        return (), ()
    enforced: list[str] = []
    ignored: list[str] = []
    for key, value in rule.target.pairs:
        known = key in ENFORCED_REQUIREMENTS or key.startswith("approval")
        (enforced if known else ignored).append(key)
        if not known:
            scope.warn("W310", f"'{key}' is declared, and nothing enforces it", value)
        elif key == "rate_limiting" and parse_rate(scope.plain(value)) is None:
            scope.error("E420", "'rate_limiting' must be such as `10/minute`", value)
    return tuple(enforced), tuple(ignored)


def _rate(scope: Scope, rule: Rule) -> dict[str, Any]:
    if rule.effect != "require" or not isinstance(rule.target, Record):
        return {}
    for key, value in rule.target.pairs:
        if key == "rate_limiting":
            rate = parse_rate(scope.plain(value))
            if rate is not None:
                return {"rate_count": rate[0], "rate_window_seconds": rate[1], "rate_key": rate[2]}
    return {}
