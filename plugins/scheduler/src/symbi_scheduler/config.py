"""`[scheduler]`: the defaults that every schedule may override, and how the scheduler itself works."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from symbi.contracts.scheduling import Catchup, Overlap

__all__ = ["SchedulerConfig"]

_Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]


class SchedulerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the scheduler; the first block holds the defaults of schedules (scheduling.md §2.5)."""

    enabled: bool = True
    """Whether this node fires; without it schedules can still be kept and shown."""
    overlap: Overlap = "skip"
    """What happens to a fire while an earlier run of its schedule goes on."""
    max_concurrent: Annotated[int, Meta(ge=0, le=10_000)] = 1
    """How many runs of one schedule may go on at once; 0 = no limit (`allow` without a number of its own has none)."""
    queue_limit: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """How many fires of one schedule may wait with `queue_all`."""
    catchup: Catchup = "latest"
    """Which of the fires missed while the scheduler was away are run."""
    catchup_window_seconds: _Seconds = 3600.0
    """How far back missed fires are caught up."""
    catchup_limit: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """How many missed fires are caught up at most; the newest are kept."""
    misfire_grace_seconds: _Seconds = 60.0
    """A fire that is late by no more than this is on time."""
    jitter_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 0
    """Spread of starts after the due time, placed by the schedule's id and the due time."""
    max_retries: Annotated[int, Meta(ge=0, le=100)] = 3
    """How often a failed run is tried again before it is a dead letter."""
    retry_base_seconds: _Seconds = 2.0
    """The first pause before a retry; each further one doubles."""
    retry_cap_seconds: _Seconds = 300.0
    """The longest pause before a retry."""
    retry_jitter: bool = False
    """Whether a pause is drawn between nothing and its length."""
    retry_on: tuple[str, ...] = ()
    """Error codes that are tried again; empty = every failure but refusals and wrong input."""
    retry_on_lost: bool = True
    """Whether a run whose process died is tried again."""
    pause_after_failures: Annotated[int, Meta(ge=0, le=10_000)] = 3
    """Failed runs in a row (retries included in each) after which a schedule pauses; 0 = never."""
    legacy_dead_letter: bool = False
    """Upstream's rule instead: the third failed run in total makes the schedule a dead letter."""

    max_concurrent_runs: Annotated[int, Meta(ge=1, le=100_000)] = 100
    """How many scheduled runs go on at once on this node; further fires wait in the store."""
    poll_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """The longest sleep; a timer wakes the scheduler at the due instant, this only bounds the effect of clock changes."""
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 250
    """Fires in the first transaction of many that are due together; the next ones grow up to twenty times that."""
    lease_seconds: Annotated[float, Meta(ge=1, le=3600)] = 30.0
    """How long a node may take to start a run before another takes the fire over."""
    keep_last: Annotated[int, Meta(ge=0, le=1_000_000)] = 1000
    """History rows kept for each schedule."""
    keep_days: Annotated[int, Meta(ge=0, le=36_500)] = 90
    """Days that history is kept; 0 = for ever."""
    node: str = ""
    """Name of this node; empty = host and process."""
    clock: Literal["auto", "local", "database"] = "auto"
    """Whose time decides; `auto` = the database's on PostgreSQL, this machine's on SQLite."""
    delivery_attempts: Annotated[int, Meta(ge=1, le=100)] = 6
    """How often a result is tried to be delivered to one target."""
