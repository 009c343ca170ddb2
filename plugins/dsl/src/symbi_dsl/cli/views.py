"""What `symbi dsl show --json` prints of a definition."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.definitions import (
    AgentSpec,
    ChannelSpec,
    MemorySpec,
    ParsedDefinition,
    PolicySpec,
    ScheduleSpec,
    WebhookSpec,
)

__all__ = ["definition_view"]

_HIDDEN = ("rules", "program", "digest", "has_body")


def definition_view(parsed: ParsedDefinition) -> dict[str, Any]:
    """Return a definition as JSON-ready data: lists of objects, each with its name; a secret only where it is a reference."""
    return {
        "agents": [_agent(item) for item in parsed.agents],
        "metadata": parsed.metadata,
        "policies": [_policy(item) for item in parsed.policies],
        "schedules": [_schedule(item) for item in parsed.schedules],
        "channels": [_channel(item) for item in parsed.channels],
        "webhooks": [_webhook(item) for item in parsed.webhooks],
        "memories": [_memory(item) for item in parsed.memories],
        "functions": [msgspec.to_builtins(item) for item in parsed.functions],
        "types": [msgspec.to_builtins(item) for item in parsed.types],
    }


def _agent(spec: AgentSpec) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(spec)
    for key in _HIDDEN:
        del found[key]
    found["policies"] = [_policy(item) for item in spec.policies]
    program = spec.program
    found["program"] = (
        {"entry": program.entry, "entry_name": program.entry_name or None, "line": program.line} if program else None
    )
    return found


def _policy(spec: PolicySpec) -> dict[str, Any]:
    rules = []
    for rule in spec.rules:
        found: dict[str, Any] = {"effect": rule.effect, "target": rule.target, "guard": rule.guard, "line": rule.line}
        if rule.config is not None:
            found["config"] = rule.config
        if rule.enforced or rule.not_enforced:
            found["enforced"] = list(rule.enforced)
            found["not_enforced"] = list(rule.not_enforced)
        rules.append(found)
    return {"name": spec.name, "line": spec.line, "rules": rules}


def _schedule(spec: ScheduleSpec) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(spec)
    options = found.pop("options")
    found["policy"] = spec.policies[0] if spec.policies else (spec.conditions or None)
    found["deliver"] = spec.delivery[0] if len(spec.delivery) == 1 else (list(spec.delivery) or None)
    return {**options, **found}


def _channel(spec: ChannelSpec) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(spec)
    found["policies"] = [_policy(item) for item in spec.rules.policies]
    del found["rules"]
    return {**found.pop("options"), **found}


def _webhook(spec: WebhookSpec) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(spec)
    reference = spec.secret.startswith(("vault://", "secret://"))
    found["secret"] = spec.secret if reference or not spec.secret else "***"
    parts = {key: found.pop(key) for key in ("json_path", "equals", "contains")}
    found["filter"] = parts if spec.json_path is not None else None
    return {**found.pop("options"), **found}


def _memory(spec: MemorySpec) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(spec)
    weights = {key: found.pop(key) for key in ("vector_weight", "keyword_weight")}
    found["search"] = weights if spec.vector_weight is not None else None
    return {**found.pop("options"), **found}
