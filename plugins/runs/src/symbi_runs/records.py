"""A run as it is stored, and as the API shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.engines import QueuedRun
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunStatus, RunView, Trigger, Usage

__all__ = ["COLUMNS", "RunRecord", "queue_depth", "view_of"]


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table `runs`, without input and result where they are not needed."""

    id: str
    agent_id: str
    agent: str
    revision: str
    mode: str
    status: RunStatus
    trigger: Trigger
    priority: str
    rank: int
    not_before: int
    principal_id: str
    principal: Principal
    input: Any
    result: Any = None
    error: dict[str, Any] | None = None
    attempt: int = 0
    epoch: int = 1
    max_attempts: int = 1
    losses: int = 0
    restarts: list[int] = []
    schedule_id: str | None = None
    scheduled_for: int | None = None
    options: dict[str, Any] = {}
    memory_bytes: int = 0
    cores: int = 0
    owner: str | None = None
    lease_until: int | None = None
    fence: int = 0
    process: dict[str, Any] | None = None
    wait: dict[str, Any] | None = None
    cancel: dict[str, Any] | None = None
    created_at: int
    started_at: int | None = None
    completed_at: int | None = None
    usage: dict[str, Any] = {}

    def run_options(self) -> RunOptions:
        """Return the options the run was started with."""
        return msgspec.convert(self.options, RunOptions)

    def entry(self) -> QueuedRun:
        """Return what the queue needs to know."""
        return QueuedRun(
            run_id=self.id,
            agent_id=self.agent_id,
            principal_id=self.principal_id,
            rank=self.rank,
            not_before=self.not_before,
            memory_bytes=self.memory_bytes,
            cores=self.cores,
            depth=queue_depth(self.options),
        )


COLUMNS = RunRecord.__struct_fields__


def queue_depth(options: dict[str, Any]) -> int:
    """Return how deep a run counts for the queue: one that nobody waits for (`spawn`) takes a slot like any other."""
    spawned = (options.get("origin") or {}).get("spawned")
    return 0 if spawned else int(options.get("depth", 0))


def view_of(record: RunRecord) -> RunView:
    """Return the run as the API shows it."""
    return RunView(
        run_id=record.id,
        agent_id=record.agent_id,
        agent=record.agent,
        status=record.status,
        trigger=record.trigger,
        principal=record.principal_id,
        input=record.input,
        result=record.result,
        error=record.error,
        attempt=record.attempt,
        schedule_id=record.schedule_id,
        scheduled_for=record.scheduled_for,
        created_at=record.created_at,
        started_at=record.started_at,
        completed_at=record.completed_at,
        usage=msgspec.convert(record.usage, Usage),
    )
