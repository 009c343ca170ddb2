"""The words that policies and requests share: namespace, entity types, context attributes, kinds of obligation."""

from __future__ import annotations

import re

__all__ = ["CONTEXT_KEYS", "ENTITY_TYPES", "NAMESPACE", "OBLIGATIONS", "OPTIONAL_CONTEXT_KEYS", "is_uuid", "qualified"]

NAMESPACE = "Symbi"

ENTITY_TYPES = frozenset(
    {
        "Action", "Agent", "AgentGroup", "Channel", "ChannelGroup", "Knowledge", "Memory", "MemoryGroup", "Resource",
        "Role", "Schedule", "ScheduleGroup", "Secret", "Skill", "Tool", "ToolGroup", "User",
    }
)  # fmt: skip

CONTEXT_KEYS = frozenset(
    {
        "approvals", "args", "args_json_size", "chain", "depth", "has_human_approval", "iteration", "session", "source",
        "surface", "time", "trusted",
    }
)  # fmt: skip
"""Every request has all of them, so that a policy about them never errs."""

OPTIONAL_CONTEXT_KEYS = frozenset({"args", "trusted"})
"""What lies below these differs from request to request."""

OBLIGATIONS = {
    "approval": re.compile(r"[A-Za-z0-9_.-]{1,64}"),
    "redact": re.compile(r"args(?:\.[^.\s]{1,128}){1,16}"),
    "rate": re.compile(r"[1-9][0-9]{0,6}/[1-9][0-9]{0,5}[smh]"),
    "log": re.compile(r"full"),
    "sandbox": re.compile(r"tier[0-4]"),
}
"""Kind of obligation and what its value must look like (POL-7)."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    """Tell whether the text has the shape of a UUID, which only ids have and names may not."""
    return _UUID.fullmatch(text) is not None


def qualified(entity_type: str) -> str:
    """Return the type with its namespace: `Agent` becomes `Symbi::Agent`."""
    return f"{NAMESPACE}::{entity_type}"
