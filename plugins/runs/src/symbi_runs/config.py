"""The settings of runs: the table `[execution]`."""

from __future__ import annotations

import msgspec

__all__ = ["ExecutionConfig"]

MIB = 1024 * 1024


class ExecutionConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds, sizes in bytes."""

    engine: str = "local"
    executor: str = "process"
    """Where runs of agents that ask for no stronger sandbox are carried out: `process`, or `inline` for trusted entries only."""
    executors: tuple[str, ...] = ("bwrap",)
    """Further executors that may be used where an agent's tier asks for more than `executor` provides; those not installed are skipped."""
    grace_seconds: float = 30.0
    sample_seconds: float = 5.0
    max_running: int = 64
    max_queued: int = 100_000
    memory_bytes: int | None = None
    """What all runs together may reserve; None takes 80 % of what the machine or its cgroup has."""
    run_memory_bytes: int = 64 * MIB
    """What a run reserves that declares nothing."""
    max_bypass: int = 100
    """How many runs may overtake one that does not fit at present."""
    ageing_seconds: float = 60.0
    """Waiting so long lifts a run by one level of priority."""
    fair_share_seconds: float = 10.0
    """Each run that an agent or a principal has under way counts against its next one like so many seconds less of waiting."""
    default_timeout_seconds: float = 3600.0
    max_timeout_seconds: float = 86_400.0
    max_attempts: int = 1
    max_losses: int = 5
    """How often a run may be taken up again after the runtime died under it."""
    retry_first_seconds: float = 1.0
    retry_most_seconds: float = 60.0
    restarts: int = 5
    """How often a persistent agent is restarted within `restart_window_seconds`."""
    restart_window_seconds: float = 600.0
    max_effects: int = 10_000
    max_input_bytes: int = 1 * MIB
    max_depth: int = 3
    """How deep agents may delegate to each other."""
    lease_seconds: float = 30.0
    workflow_wait_seconds: float = 60.0
    mailbox_limit: int = 10_000
    mailbox_tries: int = 3
    keep_days: float = 30.0
    """How long ended runs and their journals are kept; 0 keeps them for ever."""
    keep_samples: bool = True
    tier0: bool = True
    """Whether agents that declare no sandbox may run without one; off refuses them where nothing stronger is installed."""
