"""From the store's rows to the views of the contract."""

from __future__ import annotations

from typing import Any

from symbi.contracts.scheduling import FireView, ScheduleOptions, ScheduleView
from symbi_scheduler.behaviour import read_options

__all__ = ["fire_view", "schedule_view"]


def schedule_view(row: Any, *, warnings: tuple[str, ...] = ()) -> ScheduleView:
    """The view of a schedule's row; options that cannot be read show as none (the schedule is switched off then)."""
    try:
        options = read_options(row.options)
    except ValueError:
        options = ScheduleOptions()
    return ScheduleView(
        id=row.id, name=row.name, kind=row.kind, expression=row.expression, timezone=row.timezone, status=row.state, enabled=row.state == "active",
        one_shot=row.one_shot, agent=row.agent, agent_id=row.agent_id, owner=row.owner.id, policy_ids=row.policy_ids,
        next_run=row.next_due if row.state == "active" else None, last_run=row.last_run, run_count=row.runs, failure_count=row.failures,
        created_at=row.created_at, updated_at=row.updated_at, dst_gap=row.dst_gap, dst_overlap=row.dst_overlap, day_match=row.day_match,
        start_at=row.start_at, end_at=row.end_at, max_fires=row.max_fires, calendar=row.calendar, calendar_mode=row.calendar_mode,
        on_excluded=row.on_excluded, input=row.input, options=options, delivery=row.delivery, fail_fast=row.fail_fast, key=row.key,
        reason=row.reason, warnings=warnings,
    )  # fmt: skip


def fire_view(row: Any, receipts: list[dict[str, Any]] | None = None) -> FireView:
    """The view of a fire's row."""
    error = row.error
    ran = row.started_at is not None and row.completed_at is not None
    return FireView(
        id=row.id, run_id=row.run_id or row.id, schedule_id=row.schedule_id, scheduled_for=row.scheduled_for, trigger=row.trigger,
        attempt=row.attempt, status=row.state, reason=row.reason, error=_sentence(error), created_at=row.created_at, started_at=row.started_at,
        completed_at=row.completed_at, execution_time_ms=row.completed_at - row.started_at if ran else None,
        lateness_ms=row.started_at - row.scheduled_for if row.started_at is not None else None,
        count=row.missed if row.state == "missed" else 1, last_scheduled_for=row.last_scheduled_for,
        missed_count=0 if row.state == "missed" else row.missed, receipts=tuple(receipts or ()),
    )  # fmt: skip


def _sentence(error: Any) -> str | None:
    if not error:
        return None
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "failed")
    return str(error)
