"""Which action of policy each kind of effect is."""

from __future__ import annotations

from typing import Any

from symbi.contracts.effects import EffectCall, EffectFailed

__all__ = ["ACTIONS", "UNGATED", "action_of", "tasks_of"]

MOST_TASKS = 32

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


def tasks_of(call: EffectCall) -> list[dict[str, Any]]:
    """Return the tasks of `parallel` or `race`, each with its agent; raises `EffectFailed`."""
    tasks = call.arguments.get("tasks")
    if not isinstance(tasks, list) or not 1 <= len(tasks) <= MOST_TASKS:
        raise EffectFailed(f"{call.kind} takes 1 to {MOST_TASKS} tasks of {{agent, message}}", code="invalid_arguments")
    if not all(isinstance(task, dict) and isinstance(task.get("agent"), str) for task in tasks):
        raise EffectFailed(f"each task of {call.kind} needs an agent", code="invalid_arguments")
    return tasks
