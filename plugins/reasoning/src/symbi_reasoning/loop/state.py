"""What a loop knows between its phases."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from symbi.contracts.effects import Effects
from symbi.contracts.models import ChatMessage
from symbi.contracts.offers import load
from symbi.contracts.reasoning import ToolWatch
from symbi_reasoning.loop.brief import Brief, OfferedTool

__all__ = ["Ended", "LoopState"]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a loop ended: `completed` with its output, or why not."""

    reason: str
    output: Any = None
    message: str = ""

    @property
    def good(self) -> bool:
        """Tell that the task was answered."""
        return self.reason == "completed"


class LoopState:
    """The conversation and the counters; owned by one loop."""

    def __init__(self, brief: Brief, effects: Effects, *, nested: bool = False) -> None:
        self.nested = nested
        """Whether a program asked for the loop: its answer goes to the program, not to whoever follows the run."""
        self.brief = brief
        self.limits = brief.limits
        self.effects = effects
        self.messages: list[ChatMessage] = []
        self.tools: dict[str, OfferedTool] = {tool.name: tool for tool in brief.tools}
        self.began = time.monotonic()
        self.iteration = 0
        self.tool_calls = 0
        self.denials = 0
        self.usage: dict[str, float] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost_usd": 0.0}
        self.estimated = False
        self.call_ids: set[str] = set()
        self.nudged = False
        self.repaired = False
        self.results: dict[str, str] = {}
        self.last_text = ""
        self.watch: ToolWatch | None = load(brief.watch[0])(brief.watch[1]) if brief.watch else None

    @property
    def late(self) -> bool:
        """Tell that the loop's time is over; each attempt has its own, since a replay may come long after."""
        return time.monotonic() - self.began >= self.limits.timeout_seconds

    def tell(self, event: str, **values: Any) -> None:
        """Put an event of the loop into the run's journal."""
        message = " ".join(
            [event.replace("_", " "), *(f"{name}={value}" for name, value in values.items() if _short(value))]
        )
        self.effects.call("log", "info", {"message": message, "values": {"event": event, **values}})

    def count(self, usage: dict[str, Any]) -> None:
        """Add what one answer used."""
        for name in self.usage:
            self.usage[name] += usage.get(name) or 0
        self.estimated = self.estimated or bool(usage.get("estimated"))

    def account(self) -> dict[str, Any]:
        """Return iterations, calls and usage, as they are journaled at the end."""
        usage: dict[str, Any] = {**self.usage, "estimated": self.estimated}
        return {
            "iterations": self.iteration,
            "tool_calls": self.tool_calls,
            "usage": usage,
            "messages": len(self.messages),
        }


def _short(value: Any) -> bool:
    return isinstance(value, int | float | str) and len(str(value)) <= 200
