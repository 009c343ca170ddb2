"""The blocks `resources`, `security` and `policies` of an agent (spec `dsl.md` §5.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symbi_dsl.facts.reader import Reader
from symbi_dsl.facts.sandbox import read_tier, stronger
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.expressions import Literal
from symbi_dsl.syntax.items import AgentProp, Props
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.units import Duration, Size

__all__ = ["SectionFacts", "read_sections"]

_MEBIBYTE = 1_048_576


@dataclass
class SectionFacts:
    """What the three blocks say together."""

    max_memory_mb: int | None = None
    max_cpu_cores: float | None = None
    cpu_seconds: float | None = None
    storage_mb: int | None = None
    network: str | None = None
    tier: str | None = None
    tier_source: str | None = None
    capabilities: list[str] = field(default_factory=list)
    timeout: float | None = None
    retries: int | None = None
    failure: str | None = None
    resources: dict[str, Any] = field(default_factory=dict)
    security: dict[str, Any] = field(default_factory=dict)


def read_sections(scope: Scope, sections: list[AgentProp]) -> SectionFacts:
    """Return what the blocks say; one that is given twice is an error."""
    facts = SectionFacts()
    seen: set[str] = set()
    readers = {"resources": _resources, "security": _security, "policies": _policies}
    for section in sections:
        if section.word in seen:
            scope.error("E402", f"'{section.word}' is given twice", section)
            continue
        seen.add(section.word)
        if isinstance(section.value, Props):
            readers[section.word](scope, section.value, facts)
    return facts


def _resources(scope: Scope, props: Props, facts: SectionFacts) -> None:
    reader = Reader(scope, "resources", props, ("memory", "cpu", "network", "storage"))
    facts.max_memory_mb = _megabytes(reader, "memory")
    facts.storage_mb = _megabytes(reader, "storage")
    cpu = reader.value("cpu")
    if isinstance(cpu, Literal) and isinstance(cpu.value, Duration):
        facts.cpu_seconds = cpu.value.seconds
    else:
        facts.max_cpu_cores = reader.number("cpu", low=0, high=1_024, above=True)
    facts.network = _network(reader)
    facts.resources = reader.rest(())


def _megabytes(reader: Reader, key: str) -> int | None:
    node = reader.value(key)
    if node is None:
        return None
    if not isinstance(node, Literal) or not isinstance(node.value, Size):
        reader.wrong(key, "a size such as `512MB`", code="E413")
        return None
    if node.value.base <= 0:
        reader.wrong(key, "more than nothing", code="E413")
        return None
    return -(-node.value.base // _MEBIBYTE)


def _network(reader: Reader) -> str | None:
    node: Node | None = reader.value("network")
    if node is None:
        return None
    if isinstance(node, Literal) and isinstance(node.value, bool):
        return "allow_all" if node.value else "deny_all"
    found = reader.choice("network", ("allow", "deny", "allow_all", "deny_all"))
    return None if found is None else found.removesuffix("_all") + "_all"


def _security(scope: Scope, props: Props, facts: SectionFacts) -> None:
    reader = Reader(scope, "security", props, ("tier", "capabilities", "sandbox", "allow_native"))
    opt_in = reader.flag("allow_native")
    for key in ("tier", "sandbox"):
        node = reader.value(key)
        if node is None:
            continue
        tier, written = read_tier(scope, node, levels=True)
        if tier == "tier0" and not opt_in:
            hint = "choose a tier, or say `allow_native: true` here and allow it in the configuration too"
            scope.error("E418", f"sandbox '{written}' isolates nothing", node, hint)
        if stronger(facts.tier, tier) != facts.tier:
            facts.tier, facts.tier_source = tier, written
    facts.capabilities.extend(reader.words("capabilities"))
    facts.security = reader.rest(())


def _policies(scope: Scope, props: Props, facts: SectionFacts) -> None:
    reader = Reader(scope, "policies", props, ("timeout", "retry", "failure"))
    facts.timeout = reader.seconds("timeout", "Invalid timeout value")
    retries = reader.number("retry", low=0, high=1_000, whole=True)
    facts.retries = None if retries is None else int(retries)
    facts.failure = reader.choice("failure", ("terminate", "restart", "escalate", "ignore"))
