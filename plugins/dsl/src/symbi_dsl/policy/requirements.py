"""`require` rules: conditions that must hold, and records of what the gate enforces (spec `dsl.md` §8.4)."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.definitions import PolicyRule
from symbi.contracts.languages import RuleRequest
from symbi_dsl.facts.sandbox import TIER_ORDER
from symbi_dsl.policy.guards import Guard
from symbi_dsl.syntax.expressions import Array, Call, Literal, Name, Record
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.units import Duration, Size, parse_duration_text

__all__ = ["Requirement", "Unmet"]

_APPROVALS = frozenset({"approval", "human_approval", "approved"})
_TIERS = {"docker": "tier1", "gvisor": "tier2", "firecracker": "tier3", "e2b": "hosted", "none": "tier0"}
_SPREADING = frozenset({"delegate", "spawn_agent", "spawn", "parallel", "race", "ask", "send_to"})


class Unmet(Exception):
    """A requirement does not hold; `hold` says that a person's approval would do."""

    def __init__(self, reason: str, *, hold: bool = False) -> None:
        super().__init__(reason)
        self.hold = hold


class Requirement:
    """The target of one `require` rule."""

    def __init__(self, policy: str, rule: PolicyRule, node: Node) -> None:
        self.policy = policy
        self.rule = rule
        self.node = node
        self.guards: dict[int, Guard] = {}

    def check(self, request: RuleRequest, facts: dict[str, Any], limits: dict[str, Any]) -> None:
        """Raise `Unmet` where it does not hold; put what others must enforce into `limits`."""
        self._node(self.node, request, facts, limits)

    def _node(self, node: Node, request: RuleRequest, facts: dict[str, Any], limits: dict[str, Any]) -> None:
        if isinstance(node, Array):
            for item in node.items:
                self._node(item, request, facts, limits)
        elif isinstance(node, Record):
            for key, value in node.pairs:
                self._key(key, self._value(value, facts), request, limits)
        elif isinstance(node, Literal) and isinstance(node.value, str):
            self._precondition(node.value, request, facts)
        elif isinstance(node, Name) and node.name not in facts:
            self._precondition(node.name, request, facts)
        elif isinstance(node, Call) and isinstance(node.target, Name) and node.target.name.startswith("capabilit"):
            for argument in node.args:
                self._capability(self._value(argument, facts), request)
        elif not self._guard(node).holds(facts):
            raise Unmet("it does not hold")

    def _guard(self, node: Node) -> Guard:
        found = self.guards.get(id(node))
        if found is None:
            found = self.guards[id(node)] = Guard(self.rule.target, node)
        return found

    def _value(self, node: Node, facts: dict[str, Any]) -> Any:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Name) and node.name not in facts:
            return node.name
        return self._guard(node).value(facts)

    def _precondition(self, name: str, request: RuleRequest, facts: dict[str, Any]) -> None:
        if name in _APPROVALS:
            if not request.approved:
                raise Unmet("a person must approve it", hold=True)
            return
        met = facts.get("requirements")
        if name not in request.capabilities and not (isinstance(met, list) and name in met):
            raise Unmet(f"nothing shows that '{name}' is met")

    def _capability(self, wanted: Any, request: RuleRequest) -> None:
        for name in wanted if isinstance(wanted, list) else [wanted]:
            if name not in request.capabilities:
                raise Unmet(f"capability '{name}' is not granted")

    def _key(self, key: str, value: Any, request: RuleRequest, limits: dict[str, Any]) -> None:
        if key.startswith("approval"):
            if value not in (False, None, 0) and not request.approved:
                raise Unmet("a person must approve it", hold=True)
        elif key == "rate_limiting":
            self._rate(request)
        elif key == "max_data_size":
            self._size(value, request, limits)
        elif key in ("timeout", "total_timeout"):
            seconds: Any = value.seconds if isinstance(value, Duration) else value
            seconds = parse_duration_text(seconds) if isinstance(seconds, str) else seconds
            if type(seconds) not in (int, float):
                raise Unmet(f"'{key}' is no duration")
            limits["timeout_seconds"] = min(seconds, limits.get("timeout_seconds", seconds))
        elif key == "sandbox_tier":
            self._tier(value, request)
        elif key == "signature_verification":
            if value not in (False, None) and request.environment.get("signature_verified") is not True:
                raise Unmet("the tool's signature is not verified")
        elif key == "max_concurrent_agents":
            self._concurrent(value, request, limits)

    def _rate(self, request: RuleRequest) -> None:
        count = self.rule.rate_count
        if count is None:
            raise Unmet("'rate_limiting' can not be read")
        if request.rates is None:
            raise Unmet("nobody counts the calls that 'rate_limiting' bounds")
        if request.rates.get(f"{self.policy}:{self.rule.line}", 0) >= count:
            raise Unmet(f"more than {count} calls within {self.rule.rate_window_seconds} seconds")

    def _size(self, value: Any, request: RuleRequest, limits: dict[str, Any]) -> None:
        most = value.base if isinstance(value, Size) else value
        if type(most) is not int:
            raise Unmet("'max_data_size' is no size")
        try:
            size = len(msgspec.json.encode(request.arguments))
        except (TypeError, RecursionError):
            raise Unmet("the arguments can not be measured") from None
        if size > most:
            raise Unmet(f"the arguments are {size} bytes, {most} are allowed")
        limits["max_bytes"] = min(most, limits.get("max_bytes", most))

    def _tier(self, value: Any, request: RuleRequest) -> None:
        wanted = str(value).strip().lower()
        wanted = _TIERS.get(wanted, wanted)
        if wanted not in TIER_ORDER:
            raise Unmet(f"'{wanted}' is no sandbox tier")
        if request.sandbox not in TIER_ORDER or TIER_ORDER.index(request.sandbox) < TIER_ORDER.index(wanted):
            raise Unmet(f"it runs in {request.sandbox or 'no sandbox'}, {wanted} is required")

    def _concurrent(self, value: Any, request: RuleRequest, limits: dict[str, Any]) -> None:
        if type(value) is not int:
            raise Unmet("'max_concurrent_agents' is no whole number")
        limits["max_concurrent_agents"] = min(value, limits.get("max_concurrent_agents", value))
        if request.action.rpartition("::")[2] not in _SPREADING:
            return
        running = request.environment.get("concurrent_agents")
        if type(running) is not int or running >= value:
            raise Unmet(f"at most {value} agents may run at once")
