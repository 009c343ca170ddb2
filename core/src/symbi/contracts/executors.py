"""Executors: where an agent's program runs, and what may be asked of it there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

import msgspec

from symbi.contracts.effects import EffectCall, EffectReply
from symbi.contracts.offers import Offer

__all__ = [
    "AgentExecutor",
    "Execution",
    "ExecutionJob",
    "ExecutionOutcome",
    "ExecutorOffer",
    "ResourceLimits",
    "Sample",
    "SandboxTier",
]

SandboxTier = Literal["tier0", "hosted", "tier1", "tier2", "tier3"]
"""How strongly a program is confined, weakest first: none, hosted elsewhere, namespaces or containers, user-space kernel, virtual machine."""


class ResourceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one execution: bytes, seconds, counts; None leaves the executor's default."""

    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    cpu_cores: float | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    output_bytes: int | None = None
    wall_seconds: float | None = None
    grace_seconds: float = 30.0
    network: bool = False


class ExecutionJob(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent host is given; it holds no key, no socket and no store.

    `entry` names `(job, effects) -> value` as `module:attribute`, imported in the child; `program` is what that entry interprets (JSON-ready).
    """

    run_id: str
    attempt: int
    agent: str
    entry: str
    program: Any
    arguments: Any
    working_folder: str
    limits: ResourceLimits
    tier: SandboxTier = "tier0"
    environment: dict[str, str] = {}
    facts: dict[str, Any] = {}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of the whole process group; None where it was not measured."""

    at: int
    memory_bytes: int | None = None
    cpu_percent: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    processes: int | None = None


class ExecutionOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an execution ended.

    `status` is `completed` (with `value`), `failed` (the program said so, or died: `code` and `message` tell) or `terminated` (it was stopped).
    Codes: `program_error`, `policy_denied`, `limit_memory`, `limit_cpu`, `limit_wall`, `limit_output`, `limit_effects`, `crashed` (with the signal),
    `unresponsive`, `protocol_error`. `retryable` tells whether another attempt may help.
    """

    status: Literal["completed", "failed", "terminated"]
    value: Any = None
    code: str = ""
    message: str = ""
    line: int = 0
    column: int = 0
    retryable: bool = False
    exit_code: int | None = None
    signal: int | None = None
    output_tail: str = ""
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None


EffectSink = Callable[[EffectCall], Awaitable[EffectReply]]
"""Answers one effect: it passes the gate, acts, journals. Calls of one execution may overlap."""

Notify = Callable[[str, dict[str, Any]], None]
"""Takes what is only told: `step`, `log`, `heartbeat`, `output`."""


class Execution(Protocol):
    """One execution under way."""

    @property
    def pid(self) -> int | None:
        """Return the process id of the agent host, where there is one."""

    async def wait(self) -> ExecutionOutcome:
        """Return how it ended; may be awaited by several callers."""

    def sample(self) -> Sample | None:
        """Measure it now, or return None where that is impossible."""

    async def stop(self, *, reason: str, grace_seconds: float | None = None) -> None:
        """End it: politely to the whole group, then by force after the grace; returns when nothing of it is left."""


class AgentExecutor(Protocol):
    """Runs programs of agents in some place."""

    @property
    def tiers(self) -> frozenset[str]:
        """Return the sandbox tiers that this executor really provides on this machine."""

    async def start(self, job: ExecutionJob, *, effects: EffectSink, notify: Notify) -> Execution:
        """Start one execution; raises `Unavailable` where the tier, a limit or the place cannot be provided: never weaker than asked."""


class ExecutorOffer(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `agent_executors`; opens to an `AgentExecutor`."""
