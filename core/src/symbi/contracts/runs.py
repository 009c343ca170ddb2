"""Runs: durable executions of agents, their states, their journal and the service that starts and follows them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from symbi.contracts.principal import Principal

__all__ = [
    "END_STATES",
    "LiveRun",
    "RunEnded",
    "RunEvent",
    "RunOptions",
    "RunService",
    "RunStarted",
    "RunStatus",
    "RunView",
    "Trigger",
    "Usage",
]

RunStatus = Literal["queued", "claimed", "running", "waiting", "completed", "failed", "terminated", "lost"]
END_STATES: frozenset[str] = frozenset({"completed", "failed", "terminated", "lost"})

Trigger = Literal[
    "manual", "schedule", "channel", "event", "webhook", "workflow", "delegation", "message", "cli", "chat"
]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has used; `None` where it was not measured, never an invented zero."""

    wall_ms: int | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    effects: int = 0
    denials: int = 0
    tokens: int | None = None
    cost_usd: float | None = None


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to be started, beyond agent and input.

    `idempotency_key` makes starting it twice start it once (scoped to principal and agent). `policy_ids` are extra policies that must allow
    the run. `origin` is where the result goes back to (a channel thread, a schedule), opaque here. `scheduled_for` is UTC milliseconds.
    """

    trigger: Trigger = "manual"
    idempotency_key: str | None = None
    priority: Literal["low", "normal", "high", "critical"] = "normal"
    schedule_id: str | None = None
    scheduled_for: int | None = None
    parent_run_id: str | None = None
    depth: int = 0
    chain: tuple[str, ...] = ()
    session: str | None = None
    surface: str = "run"
    policy_ids: tuple[str, ...] = ()
    origin: dict[str, Any] = {}
    timeout_seconds: float | None = None
    max_attempts: int | None = None
    traceparent: str | None = None
    definition: str | None = None
    """A definition's text for this run alone; the registered agent is not touched (finding F-09)."""


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the API shows it; times are UTC milliseconds."""

    run_id: str
    agent_id: str
    agent: str
    status: RunStatus
    trigger: Trigger
    principal: str
    input: Any
    result: Any
    error: dict[str, Any] | None
    """`{code, message, line?, column?}` of a failed, terminated or lost run."""
    attempt: int
    schedule_id: str | None
    scheduled_for: int | None
    created_at: int
    started_at: int | None
    completed_at: int | None
    usage: Usage

    @property
    def ended(self) -> bool:
        """Tell whether the run has reached an end state."""
        return self.status in END_STATES


class LiveRun(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured of a run under way; times are UTC milliseconds, `None` where nothing was measured.

    `healthy` is False for one whose process is gone, silent or over its soft limits.
    """

    run_id: str
    status: RunStatus
    pid: int | None = None
    started_at: int | None = None
    sampled_at: int | None = None
    memory_bytes: int | None = None
    cpu_percent: float | None = None
    healthy: bool = True
    reason: str = ""


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a run's journal; `seq` counts from 1 without gaps, `at` is UTC milliseconds.

    Kinds: queued, claimed, started, step, log, gate (every decision), effect (a finished effect), chunk (streamed text), waiting, resumed,
    retry, sample, completed, failed, terminated, lost. The last four are terminal.
    """

    run_id: str
    seq: int
    at: int
    kind: str
    data: dict[str, Any] = {}


class RunStarted(msgspec.Struct, frozen=True, kw_only=True):
    """Bus event: a run's process has begun."""

    run: RunView


class RunEnded(msgspec.Struct, frozen=True, kw_only=True):
    """Bus event: a run has reached an end state, durably."""

    run: RunView
    origin: dict[str, Any] = {}


class RunService(Protocol):
    """Starts, follows and stops runs."""

    async def start(self, agent: str, input: Any, *, principal: Principal, options: RunOptions = ...) -> RunView:
        """Queue one run of the agent (id or name) and return it once it is durable.

        Raises `NotFound` for an unknown agent, `InvalidRequest` where the input does not fit its parameters, `PolicyDenied` where the principal may
        not run it, `Conflict` where the agent cannot be run now, `CapacityExceeded` where the queue is full, `IdempotencyMismatch` for a reused key.
        """

    async def get(self, run_id: str) -> RunView:
        """Return one run; raises `NotFound`."""

    async def list(
        self,
        *,
        agent_id: str | None = None,
        status: Sequence[str] = (),
        schedule_id: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> list[RunView]:
        """Return runs, newest first; `before` is the `created_at` to page from."""

    async def wait(self, run_id: str, *, timeout: float | None = None) -> RunView:
        """Return the run once it has ended, or as it is when `timeout` seconds have passed."""

    async def cancel(self, run_id: str, *, principal: Principal, reason: str = "") -> RunView:
        """Ask a run to stop (it ends `terminated`); raises `NotFound`, or `Conflict` where it has ended."""

    def events(self, run_id: str, *, after: int = 0, follow: bool = True) -> AsyncIterator[RunEvent]:
        """Yield the journal from `seq` > `after`: what is stored, then (with `follow`) what comes, until a terminal event."""

    async def live(self, agent_id: str) -> Sequence[LiveRun]:
        """Return the runs of an agent that have not ended, newest first, with what was last measured of each."""

    async def heartbeat(self, agent_id: str) -> int:
        """Note a sign of life of the agent's running runs and return how many there are."""

    async def deliver(
        self, agent_id: str, event_type: str, payload: Any, *, principal: Principal, event_id: str | None = None
    ) -> str:
        """Put an event into the mailbox of an event-driven agent, durably, and return its id.

        Events of one agent are handled in order, at least once; the same `event_id` is taken once. Raises `NotFound`, `Conflict` where the agent
        takes no events, `CapacityExceeded` where its mailbox is full.
        """

    def tell(self, run_id: str, kind: str, data: dict[str, Any]) -> None:
        """Add an event to the journal of a run under way here, in its order and without waiting; does nothing for any other run.

        For whoever carries out an effect: streamed text (`chunk`) is told as it comes.
        """

    async def stop_agent(self, agent_id: str, *, principal: Principal, reason: str = "") -> None:
        """Cancel every run of the agent, empty its mailbox, and return when nothing of it runs any more."""

    async def resume(self, run_id: str, *, outcome: dict[str, Any]) -> None:
        """Let a run that waits (approval, event) go on with `outcome`; durable, does nothing for a run that does not wait."""
