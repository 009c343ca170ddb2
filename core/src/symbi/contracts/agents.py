"""Agents: registered definitions, their identity and state, and the service that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from symbi.contracts.principal import Principal

if TYPE_CHECKING:
    from symbi.contracts.languages import AgentSpec

__all__ = [
    "AgentArchived",
    "AgentChanged",
    "AgentService",
    "AgentState",
    "AgentView",
    "DeclarationTaker",
    "ExecutionMode",
    "StateWords",
]

AgentState = Literal["running", "ready", "waiting", "failed", "completed", "terminated", "unreachable"]
ExecutionMode = Literal["ephemeral", "persistent", "scheduled", "event_driven", "external"]


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One registered agent; times are UTC milliseconds.

    `agent` is the name declared in the definition, `name` the display name; `revision` is the digest of the definition's text; `source` is
    `api` or `file:<relative path>#<block>`.
    """

    id: str
    name: str
    agent: str
    text: str
    revision: str
    language: str
    mode: ExecutionMode
    source: str
    owner: str
    metadata: dict[str, str]
    created_at: int
    updated_at: int
    archived: bool = False
    heartbeat_interval_seconds: int | None = None


class AgentChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Bus event: an agent was created or its definition replaced."""

    agent: AgentView
    created: bool


class AgentArchived(msgspec.Struct, frozen=True, kw_only=True):
    """Bus event: an agent was deleted, or its file removed."""

    agent_id: str
    name: str


class AgentService(Protocol):
    """Keeps agents and knows their definitions."""

    async def resolve(self, name_or_id: str) -> AgentView | None:
        """Return the agent with this id, or with this name (display name, then declared name, newest first), or None."""

    async def spec(self, agent: AgentView) -> AgentSpec:
        """Return the typed facts of an agent's definition; parsed once per revision."""

    async def list(self, *, principal: Principal | None = None) -> Sequence[AgentView]:
        """Return the agents that the principal may see (None: all), oldest first."""


class StateWords(Protocol):
    """A service that words states of agents for a client that knows others than ours."""

    def word(self, state: AgentState) -> str:
        """Return the word for a state."""


class DeclarationTaker(Protocol):
    """A service that takes what definitions declare (schedules, channels, webhooks, memories).

    `declaration_kinds` names what it takes. `reconcile` is called at start and on every change with ALL declarations of one agent file, each a
    plain dict with `key` (file + block, stable) and the block's facts; what is no longer there is retired, what is the same stays untouched.
    """

    declaration_kinds: frozenset[str]

    async def reconcile(
        self, source: str, kind: str, declarations: Sequence[dict[str, Any]], *, owner: Principal
    ) -> Sequence[str]:
        """Bring what is stored into line with `declarations` and return one sentence for each fault found in them."""
