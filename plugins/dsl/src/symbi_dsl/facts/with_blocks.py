"""The attributes of `with` blocks (spec `dsl.md` §5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symbi_dsl.facts.reader import Reader
from symbi_dsl.facts.sandbox import read_tier, stronger
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.expressions import Array
from symbi_dsl.syntax.items import Props, With

__all__ = ["MEMORY_KINDS", "WithFacts", "read_with_blocks"]

_ENFORCED = (
    "sandbox",
    "timeout",
    "memory",
    "max_memory_mb",
    "max_cpu_cores",
    "network_policy",
    "requires",
    "priority",
    "allow_native",
)
_RECORDED = (
    "security",
    "privacy",
    "storage",
    "cleanup",
    "communication",
    "authentication",
    "encryption",
    "coordination",
    "retry_policy",
    "epsilon",
    "context",
)
_KNOWN = (*_ENFORCED, *_RECORDED)
MEMORY_KINDS = ("ephemeral", "session", "persistent", "encrypted")
_PRIORITIES = ("low", "normal", "high", "critical")
_MOST_MB, _MOST_CORES = 1_048_576, 1_024


@dataclass
class WithFacts:
    """What all `with` blocks of an agent say together: the strongest tier, the longest timeout, the least of each limit."""

    tier: str | None = None
    tier_source: str | None = None
    opt_in: bool = False
    timeout: float | None = None
    memory: str | None = None
    max_memory_mb: int | None = None
    max_cpu_cores: float | None = None
    network: str | tuple[str, ...] | None = None
    requires: list[str] = field(default_factory=list)
    priority: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    not_enforced: list[str] = field(default_factory=list)
    has_body: bool = False


def read_with_blocks(scope: Scope, blocks: list[With]) -> WithFacts:
    """Return what the blocks say."""
    facts = WithFacts()
    for block in blocks:
        facts.has_body = facts.has_body or bool(block.block.statements)
        props = Props(block.attributes, block.start, block.block.start)
        _read(scope, Reader(scope, "with", props, _KNOWN), facts)
    return facts


def _read(scope: Scope, reader: Reader, facts: WithFacts) -> None:
    sandbox = reader.value("sandbox")
    if sandbox is not None:
        tier, written = read_tier(scope, sandbox)
        opt_in = reader.flag("allow_native")
        if tier == "tier0" and not opt_in:
            hint = "choose a tier, or say `allow_native = true` here and allow it in the configuration too"
            scope.error("E418", f"sandbox '{written}' isolates nothing", sandbox, hint)
        if stronger(facts.tier, tier) != facts.tier:
            facts.tier, facts.tier_source, facts.opt_in = tier, written, opt_in
    timeout = reader.seconds("timeout", "Invalid timeout value")
    if timeout is not None:
        facts.timeout = timeout if facts.timeout is None else max(timeout, facts.timeout)
    facts.memory = reader.known("memory", MEMORY_KINDS) or facts.memory
    megabytes = reader.number("max_memory_mb", low=1, high=_MOST_MB, whole=True)
    facts.max_memory_mb = _least(facts.max_memory_mb, None if megabytes is None else int(megabytes))
    cores = reader.number("max_cpu_cores", low=0, high=_MOST_CORES, above=True)
    facts.max_cpu_cores = _least(facts.max_cpu_cores, cores)
    facts.network = read_network(reader) or facts.network
    facts.requires.extend(reader.words("requires"))
    _priority(reader, facts)
    for key in _RECORDED:
        if reader.has(key):
            facts.options[key] = scope.plain(reader.value(key))
            facts.not_enforced.append(key)
            scope.warn("W310", f"'{key}' is recorded, and nothing enforces it", reader.at(key))


def _least(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def read_network(reader: Reader) -> str | tuple[str, ...] | None:
    """Return the network policy of a `with` block."""
    node = reader.value("network_policy")
    if node is None:
        return None
    if isinstance(node, Array):
        return reader.words("network_policy")
    return reader.choice("network_policy", ("deny_all", "allow_all"))


def _priority(reader: Reader, facts: WithFacts) -> None:
    found = reader.known("priority", _PRIORITIES)
    facts.priority = found or facts.priority
