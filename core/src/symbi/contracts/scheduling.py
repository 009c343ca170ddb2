"""Schedules: what fires when, what was decided about every fire, and the service that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.delivery import DeliverySpec
from symbi.contracts.principal import Principal

__all__ = [
    "ACTIVE_FIRES",
    "BackfillResult",
    "CalendarView",
    "Catchup",
    "DayMatch",
    "DstGap",
    "DstOverlap",
    "FireSettled",
    "FireStatus",
    "FireTrigger",
    "FireView",
    "OnExcluded",
    "Overlap",
    "Preview",
    "PrincipalDirectory",
    "ScheduleChange",
    "ScheduleKind",
    "ScheduleOptions",
    "ScheduleRequest",
    "ScheduleStatus",
    "ScheduleView",
    "SchedulerFigures",
    "SchedulerService",
]

ScheduleKind = Literal["cron", "at", "interval"]
ScheduleStatus = Literal["active", "paused", "completed", "failed", "dead_letter"]
DstGap = Literal["auto", "skip", "next", "shift"]
DstOverlap = Literal["auto", "first", "last", "both"]
DayMatch = Literal["and", "or"]
Overlap = Literal["skip", "queue_one", "queue_all", "cancel_previous", "terminate_previous", "allow"]
Catchup = Literal["skip", "latest", "earliest", "all"]
OnExcluded = Literal["skip", "next_business_day", "previous_business_day"]
FireTrigger = Literal["cron", "at", "interval", "manual", "backfill", "catchup", "retry"]

FireStatus = Literal[
    "queued", "claimed", "waiting", "waiting_approval", "running",
    "completed", "failed", "terminated", "lost", "dead_letter",
    "denied", "skipped", "missed", "dropped",
]  # fmt: skip
"""`waiting` stands behind an earlier run of the schedule; `skipped`, `missed`, `dropped` and `denied` never ran, and `reason` says why."""

ACTIVE_FIRES: frozenset[str] = frozenset({"queued", "claimed", "waiting", "waiting_approval", "running"})


class ScheduleOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a schedule behaves where it differs from the defaults of `[scheduler]`; None takes the default (scheduling.md §2.5)."""

    overlap: Overlap | None = None
    max_concurrent: int | None = None
    queue_limit: int | None = None
    catchup: Catchup | None = None
    catchup_window_seconds: float | None = None
    catchup_limit: int | None = None
    misfire_grace_seconds: float | None = None
    jitter_seconds: int | None = None
    max_retries: int | None = None
    retry_base_seconds: float | None = None
    retry_cap_seconds: float | None = None
    retry_jitter: bool | None = None
    retry_on: tuple[str, ...] | None = None
    retry_on_lost: bool | None = None
    pause_after_failures: int | None = None
    legacy_dead_letter: bool | None = None
    timeout_seconds: float | None = None
    priority: Literal["low", "normal", "high", "critical"] | None = None
    session: str | None = None
    require_approval: bool | None = None
    """Every fire waits for a person, whatever policy says."""
    allowed_hours: tuple[str, str] | None = None
    """Local times of the schedule's zone, `HH:MM`, from (included) and to (not included); past midnight where the second is earlier."""
    require_capabilities: tuple[str, ...] | None = None
    """Capabilities that the agent must declare."""
    allowed_environments: tuple[str, ...] | None = None
    """Environments (`SYMBI_ENV`, else `SYMBIONT_ENV`, else development) in which it may fire."""


class ScheduleRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule to be made. Exactly one of `cron_expression`, `at` (ISO 8601, naive in `timezone`) and `every_seconds`."""

    name: str
    agent_name: str
    cron_expression: str | None = None
    at: str | None = None
    every_seconds: float | None = None
    timezone: str = "UTC"
    policy_ids: tuple[str, ...] = ()
    one_shot: bool = False
    dst_gap: DstGap = "auto"
    dst_overlap: DstOverlap = "auto"
    day_match: DayMatch = "and"
    start_at: str | None = None
    end_at: str | None = None
    max_fires: int | None = None
    calendar: str | None = None
    calendar_mode: Literal["exclude", "include_only"] = "exclude"
    on_excluded: OnExcluded = "skip"
    input: Any = None
    options: ScheduleOptions = ScheduleOptions()
    delivery: tuple[DeliverySpec, ...] = ()
    fail_fast: bool = False
    paused: bool = False


class ScheduleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; fields that are left out stay as they are."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    agent_name: str | msgspec.UnsetType = msgspec.UNSET
    cron_expression: str | msgspec.UnsetType = msgspec.UNSET
    at: str | msgspec.UnsetType = msgspec.UNSET
    every_seconds: float | msgspec.UnsetType = msgspec.UNSET
    timezone: str | msgspec.UnsetType = msgspec.UNSET
    policy_ids: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    one_shot: bool | msgspec.UnsetType = msgspec.UNSET
    dst_gap: DstGap | msgspec.UnsetType = msgspec.UNSET
    dst_overlap: DstOverlap | msgspec.UnsetType = msgspec.UNSET
    day_match: DayMatch | msgspec.UnsetType = msgspec.UNSET
    start_at: str | msgspec.UnsetType | None = msgspec.UNSET
    end_at: str | msgspec.UnsetType | None = msgspec.UNSET
    max_fires: int | msgspec.UnsetType | None = msgspec.UNSET
    calendar: str | msgspec.UnsetType | None = msgspec.UNSET
    calendar_mode: Literal["exclude", "include_only"] | msgspec.UnsetType = msgspec.UNSET
    on_excluded: OnExcluded | msgspec.UnsetType = msgspec.UNSET
    input: Any = msgspec.UNSET
    options: ScheduleOptions | msgspec.UnsetType = msgspec.UNSET
    delivery: tuple[DeliverySpec, ...] | msgspec.UnsetType = msgspec.UNSET
    fail_fast: bool | msgspec.UnsetType = msgspec.UNSET


class ScheduleView(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule; times are UTC milliseconds.

    `failure_count` is the number of failed runs in a row. `key` is set for schedules that a definition declares. `warnings` are sentences about
    the expression.
    """

    id: str
    name: str
    kind: ScheduleKind
    expression: str
    timezone: str
    status: ScheduleStatus
    enabled: bool
    one_shot: bool
    agent: str
    agent_id: str
    owner: str
    policy_ids: tuple[str, ...]
    next_run: int | None
    last_run: int | None
    run_count: int
    failure_count: int
    created_at: int
    updated_at: int
    dst_gap: DstGap = "auto"
    dst_overlap: DstOverlap = "auto"
    day_match: DayMatch = "and"
    start_at: int | None = None
    end_at: int | None = None
    max_fires: int | None = None
    calendar: str | None = None
    calendar_mode: str = "exclude"
    on_excluded: OnExcluded = "skip"
    input: Any = None
    options: ScheduleOptions = ScheduleOptions()
    delivery: tuple[DeliverySpec, ...] = ()
    fail_fast: bool = False
    key: str | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()


class FireView(msgspec.Struct, frozen=True, kw_only=True):
    """One fire and what became of it; times are UTC milliseconds.

    A summary row stands for `count` fires from `scheduled_for` to `last_scheduled_for` that were missed together. `run_id` is the run's id once
    it has one, before that the fire's own.
    """

    id: str
    run_id: str
    schedule_id: str
    scheduled_for: int
    trigger: FireTrigger
    attempt: int
    status: FireStatus
    reason: str
    error: str | None
    created_at: int
    started_at: int | None
    completed_at: int | None
    execution_time_ms: int | None
    lateness_ms: int | None
    count: int = 1
    last_scheduled_for: int | None = None
    missed_count: int = 0
    receipts: tuple[dict[str, Any], ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an expression means before anything is stored; `next_runs` are UTC milliseconds."""

    expression: str
    timezone: str
    next_runs: tuple[int, ...]
    warnings: tuple[str, ...]
    description: str
    dst_gap: str = ""
    dst_overlap: str = ""


class BackfillResult(msgspec.Struct, frozen=True, kw_only=True):
    """Fires of a past range: `scheduled` (UTC milliseconds) are those that were, or with a dry run would be, created."""

    schedule_id: str
    scheduled: tuple[int, ...]
    already_there: int
    dry_run: bool


class CalendarView(msgspec.Struct, frozen=True, kw_only=True):
    """A named calendar: single `dates` (ISO) and `weekdays` (0 = Sunday) that it holds."""

    name: str
    dates: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    updated_at: int = 0


class SchedulerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The thirteen facts of `GET /health/scheduler`."""

    is_running: bool
    store_accessible: bool
    jobs_total: int
    jobs_active: int
    jobs_paused: int
    jobs_dead_letter: int
    global_active_runs: int
    max_concurrent: int
    runs_total: int
    runs_succeeded: int
    runs_failed: int
    average_execution_time_ms: float
    longest_run_ms: int


@runtime_checkable
class PrincipalDirectory(Protocol):
    """Knows what a credential may do now; where it is open, the rights of a schedule's creator are looked up again at every fire."""

    async def current(self, principal_id: str) -> Principal | None:
        """Return the principal with that id as its credential stands now, or None where it was revoked."""
        ...


class FireSettled(msgspec.Struct, frozen=True, kw_only=True):
    """Bus event: a fire reached its end, whether it ran or not."""

    fire: FireView
    schedule: str


@runtime_checkable
class SchedulerService(Protocol):
    """Keeps schedules and fires them: each due instant exactly once, whatever happens to the process.

    Every method that names a schedule raises `NotFound` for an unknown one; a wrong expression, zone, time or calendar raises `InvalidRequest`
    whose `details` name the field.
    """

    async def create(self, request: ScheduleRequest, *, principal: Principal) -> ScheduleView:
        """Make a schedule; raises `NotFound` for an unknown agent, `PolicyDenied` where policy forbids it."""
        ...

    async def get(self, schedule_id: str) -> ScheduleView:
        """Return one schedule."""
        ...

    async def list(
        self, *, status: str | None = None, agent_id: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Sequence[ScheduleView]:
        """Return schedules, oldest first; `status` and `agent_id` narrow them."""
        ...

    async def update(self, schedule_id: str, change: ScheduleChange, *, principal: Principal) -> ScheduleView:
        """Change a schedule; its history stays. Raises `Conflict` for one that a definition declares."""
        ...

    async def delete(self, schedule_id: str, *, principal: Principal) -> None:
        """Archive a schedule: it never fires again and is found no more; a run of it that is under way goes on."""
        ...

    async def pause(self, schedule_id: str, *, principal: Principal) -> ScheduleView:
        """Stop firing; a paused one stays paused. Raises `Conflict` for one that has ended."""
        ...

    async def resume(self, schedule_id: str, *, principal: Principal, catch_up: bool = False) -> ScheduleView:
        """Fire again and forget failures; the pause counts as missed time only with `catch_up`. Raises `Conflict` for one that has ended."""
        ...

    async def reset(self, schedule_id: str, *, principal: Principal) -> ScheduleView:
        """Forget failures and, for one that was given up, fire again."""
        ...

    async def trigger(
        self, schedule_id: str, *, principal: Principal, force: bool = False, input: Any = msgspec.UNSET
    ) -> FireView:
        """Fire once now, also while paused. Raises `Conflict` where the overlap policy forbids it and `force` is not given."""
        ...

    async def backfill(
        self,
        schedule_id: str,
        *,
        start: int,
        end: int,
        principal: Principal,
        overlap: Overlap | None = None,
        dry_run: bool = False,
    ) -> BackfillResult:
        """Create the fires of the half-open range [start, end) that never ran; the same call again creates none. At most 10,000 fires a call."""
        ...

    async def next_runs(self, schedule_id: str, *, count: int = 5) -> Sequence[int]:
        """Return the next fire times, UTC milliseconds."""
        ...

    async def preview(self, request: ScheduleRequest, *, count: int = 5, after: int | None = None) -> Preview:
        """Say what a request would mean; its name and agent are not looked at."""
        ...

    async def history(self, schedule_id: str, *, limit: int = 50, before: int | None = None) -> Sequence[FireView]:
        """Return fires, newest first; `before` is the `created_at` to page from."""
        ...

    async def figures(self) -> SchedulerFigures:
        """Return the facts of the scheduler's health."""
        ...

    async def put_calendar(self, calendar: CalendarView, *, principal: Principal) -> CalendarView:
        """Make or replace a calendar; the next fire of every schedule that uses it is computed anew in the same transaction."""
        ...

    async def calendars(self) -> Sequence[CalendarView]:
        """Return every calendar, by name."""
        ...

    async def delete_calendar(self, name: str, *, principal: Principal) -> None:
        """Delete a calendar; raises `NotFound`, or `Conflict` while a schedule uses it."""
        ...
