"""Which action of policy each kind of effect is."""

from __future__ import annotations

__all__ = ["ACTIONS", "UNGATED", "action_of"]

ACTIONS = {
    "tool": "tool_call",
    "reason": "reason",
    "llm": "reason",
    "model": "reason",
    "delegate": "delegate",
    "ask": "delegate",
    "spawn": "delegate",
    "parallel": "delegate",
    "race": "delegate",
    "send": "comm_send",
    "publish": "comm_send",
    "remember": "memory_write",
    "recall": "memory_read",
    "forget": "memory_forget",
    "respond": "respond",
    "secret": "secret_read",
}

UNGATED = frozenset({"sleep", "log", "now", "id", "check", "approval", "wait_event"})
"""Effects that touch nothing outside the run, or that are themselves a question to the gate."""


def action_of(kind: str) -> str:
    """Return the kind of action that the gate is asked about."""
    return ACTIONS.get(kind, kind)
