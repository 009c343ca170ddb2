"""Reasoning: what turns an agent without a body into a program, which models there are, and what may shape the loop (spec `reasoning.md`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.agents import AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.effects import EffectContext
from symbi.contracts.models import ChatModel
from symbi.contracts.tools import ToolSpec

__all__ = [
    "Adaptive",
    "Curation",
    "ModelChoice",
    "Models",
    "Prefetch",
    "ReasoningHost",
    "Task",
    "ToolWatch",
    "WatchVerdict",
]


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A model to ask: `name` is `provider:model`, as policies see it."""

    provider: str
    model: str

    @property
    def name(self) -> str:
        """Return the name under which the gate is asked."""
        return f"{self.provider}:{self.model}"


@runtime_checkable
class Models(Protocol):
    """The models that the configuration names, by all installed providers (`[llm]`)."""

    async def choices(self, asked: str | None = None) -> Sequence[ModelChoice]:
        """Return what is to be asked, in order: the model that is asked for (`model` or `provider:model`) or the default one, then the fallbacks.

        Raises `ModelUnavailable` where the provider is not installed.
        """

    async def open(self, provider: str) -> ChatModel:
        """Return a provider, opened at its first use; raises `ModelUnavailable`."""


class ReasoningHost(Protocol):
    """Makes jobs of agents that have no body: the loop runs in the agent host, with the definition as its brief."""

    async def job(self, agent: AgentView, spec: AgentSpec, given: Any) -> tuple[str, Any, dict[str, Any]]:
        """Return `(entry, program, facts)` for the executor; the same for the same revision of the agent."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is about, as far as those who shape its loop may know: `text` is the user's words, `about` the agent's description."""

    agent: str
    agent_id: str
    text: str
    about: str = ""
    options: dict[str, Any] = {}
    run: EffectContext


class Curation(msgspec.Struct, frozen=True, kw_only=True):
    """The tools that are offered, in the order of the offer, and why the others are not (`name → reason`)."""

    tools: tuple[ToolSpec, ...]
    hidden: dict[str, str] = {}


class Prefetch(msgspec.Struct, frozen=True, kw_only=True):
    """A reference in the user's words that a tool may resolve before the first turn; the call passes the gate like any other."""

    kind: str
    reference: str
    tool: str
    arguments: dict[str, Any]


@runtime_checkable
class Adaptive(Protocol):
    """What shapes the loop of one run before it begins (spec `reasoning.md` §2, RSN-50 … RSN-55)."""

    async def curate(self, task: Task, tools: Sequence[ToolSpec]) -> Curation:
        """Choose and order the tools of those that policy leaves."""

    async def prefetch(self, task: Task, tools: Sequence[ToolSpec]) -> Sequence[Prefetch]:
        """Find what could be fetched beforehand; empty where that is off."""

    async def conventions(self, task: Task) -> str:
        """Return the rules that apply where the task works, nearest first; empty where there are none."""

    def prefetch_tokens(self) -> int:
        """Return how many tokens fetched context may take in all."""

    def watch(self, task: Task) -> tuple[str, dict[str, Any]] | None:
        """Return `(entry, settings)`: what the agent host imports and calls to make the `ToolWatch` of this run; None watches nothing."""


class WatchVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about a call: `warn` carries it out and says so to the model, `block` answers in its place, `stop` ends the run."""

    action: Literal["go", "warn", "block", "stop"] = "go"
    reason: str = ""


class ToolWatch(Protocol):
    """Sees every tool call of one run, inside the agent host; pure, quick, deterministic."""

    def before(self, name: str, arguments: dict[str, Any]) -> WatchVerdict:
        """Judge a call before it is asked for."""

    def after(self, name: str, arguments: dict[str, Any], result: str, *, failed: bool) -> None:
        """Take note of what came of it."""
