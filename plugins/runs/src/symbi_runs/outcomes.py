"""What an attempt's end means for the run: done, failed for good, tried again, restarted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.executors import ExecutionOutcome
from symbi.contracts.masking import mask
from symbi.contracts.runs import Usage
from symbi_runs.shown import shown

if TYPE_CHECKING:
    from symbi_runs.attempt import Attempt

__all__ = ["Ending", "judge"]

RESULT_BYTES = 8 * 1024 * 1024


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The new values of the run's row and the events that tell of them; `again` tells that it is queued once more."""

    status: str
    values: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    again: bool = False


def judge(attempt: Attempt, outcome: ExecutionOutcome) -> Ending:
    """Return how the run goes on, or how it ends."""
    outcome = attempt.outcome_of_failure(outcome)
    if attempt.leaving and outcome.status != "completed":
        return _park(attempt)
    if attempt.stopping is not None and outcome.status != "completed":
        return _end(attempt, "terminated", attempt.stopping, outcome)
    if outcome.status == "completed":
        return _end(attempt, "completed", None, outcome)
    error = _error(outcome)
    if outcome.status == "terminated":
        return _end(attempt, "terminated", error, outcome)
    if attempt.record.mode == "persistent":
        return _restart(attempt, error, outcome)
    if outcome.retryable and attempt.record.attempt - attempt.record.losses < attempt.record.max_attempts:
        return _again(attempt, error, outcome, count=attempt.record.attempt - attempt.record.losses, values={})
    return _end(attempt, "failed", error, outcome)


def _park(attempt: Attempt) -> Ending:
    """Leave the run as one that an earlier life was carrying out: the next start takes it up, and it waits on."""
    values = {"status": "queued", "owner": None, "lease_until": None, "process": None, "wait": None, "not_before": 0}
    error = {"code": "shutdown", "message": "the runtime was stopped while the run waited"}
    return Ending(status="queued", values=values, events=[("retry", {"error": error, "in_seconds": 0})], again=True)


def _error(outcome: ExecutionOutcome) -> dict[str, Any]:
    error: dict[str, Any] = {"code": outcome.code or "failed", "message": outcome.message}
    if outcome.line:
        error.update({"line": outcome.line, "column": outcome.column})
    if outcome.signal is not None:
        error["signal"] = outcome.signal
    if outcome.exit_code:
        error["exit_code"] = outcome.exit_code
    if outcome.output_tail:
        error["output"] = outcome.output_tail[-2000:]
    masked: dict[str, Any] = mask(error)
    return masked


def _usage(attempt: Attempt, outcome: ExecutionOutcome, now: int) -> dict[str, Any]:
    started, desk = attempt.record.started_at, attempt.desk
    usage = Usage(
        wall_ms=now - started if started is not None else None,
        cpu_seconds=outcome.cpu_seconds,
        peak_memory_bytes=outcome.peak_memory_bytes,
        effects=desk.count if desk else 0,
        denials=desk.denials if desk else 0,
        tokens=desk.tokens if desk else None,
        cost_usd=desk.cost_usd if desk else None,
    )
    built: dict[str, Any] = msgspec.to_builtins(usage)
    return built


def _end(attempt: Attempt, status: str, error: dict[str, Any] | None, outcome: ExecutionOutcome) -> Ending:
    now = attempt.house.context.clock.now_ms()
    usage = _usage(attempt, outcome, now)
    values = {
        "status": status,
        "completed_at": now,
        "result": outcome.value if status == "completed" else None,
        "error": error,
        "usage": usage,
        "owner": None,
        "lease_until": None,
        "process": None,
        "wait": None,
    }
    data = {"usage": usage, **({"result": shown(outcome.value)} if status == "completed" else {"error": error})}
    return Ending(status=status, values=values, events=[(status, data)])


def _again(
    attempt: Attempt, error: dict[str, Any], outcome: ExecutionOutcome, *, count: int, values: dict[str, Any]
) -> Ending:
    context, config = attempt.house.context, attempt.house.config
    pause = min(config.retry_first_seconds * 2 ** (count - 1), config.retry_most_seconds) * context.random.uniform(
        0.9, 1.1
    )
    now = context.clock.now_ms()
    due = now + int(pause * 1000)
    fresh = {
        "status": "queued",
        "not_before": due,
        "epoch": attempt.record.epoch + 1,
        "owner": None,
        "lease_until": None,
        "process": None,
        "wait": None,
        "error": error,
        "usage": _usage(attempt, outcome, now),
    }
    return Ending(
        status="queued",
        values={**fresh, **values},
        events=[("retry", {"error": error, "in_seconds": round(pause, 2)})],
        again=True,
    )


def _restart(attempt: Attempt, error: dict[str, Any], outcome: ExecutionOutcome) -> Ending:
    """Restart a persistent agent, unless it has been restarted too often lately."""
    config, now = attempt.house.config, attempt.house.context.clock.now_ms()
    window = now - int(config.restart_window_seconds * 1000)
    recent = [moment for moment in attempt.record.restarts if moment > window]
    if len(recent) >= config.restarts:
        text = (
            f"it failed again after {len(recent)} restarts in {config.restart_window_seconds:g} s: {error['message']}"
        )
        return _end(attempt, "failed", {**error, "message": text}, outcome)
    return _again(attempt, error, outcome, count=len(recent) + 1, values={"restarts": [*recent, now]})
