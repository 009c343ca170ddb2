"""What goes over the wire: exactly the keys of the seed and of runtime-api.md §1.4, because the SDK refuses any other."""

from __future__ import annotations

from typing import Any

from symbi.contracts.scheduling import FireView, ScheduleView
from symbi.kernel.clock import rfc3339

__all__ = ["detail", "fire_entry", "full", "history_entry", "summary"]

_NEVER_RAN = frozenset({"skipped", "missed", "dropped", "denied", "waiting", "waiting_approval", "queued"})


def time_or_none(value: int | None) -> str | None:
    """RFC 3339 of milliseconds UTC."""
    return None if value is None else rfc3339(value)


def summary(view: ScheduleView) -> dict[str, Any]:
    """One entry of `GET /schedules`: eight keys."""
    return {
        "job_id": view.id,
        "name": view.name,
        "cron_expression": view.expression,
        "timezone": view.timezone,
        "status": view.status,
        "enabled": view.enabled,
        "next_run": time_or_none(view.next_run),
        "run_count": view.run_count,
    }


def detail(view: ScheduleView) -> dict[str, Any]:
    """`GET /schedules/{id}` and `PUT`: thirteen keys."""
    return {
        **summary(view),
        "one_shot": view.one_shot,
        "last_run": time_or_none(view.last_run),
        "failure_count": view.failure_count,
        "created_at": rfc3339(view.created_at),
        "updated_at": rfc3339(view.updated_at),
    }


def full(view: ScheduleView) -> dict[str, Any]:
    """`?detail=true`: everything that is known of a schedule; settings of delivery targets are named, not shown."""
    return {
        **detail(view),
        "kind": view.kind,
        "agent_name": view.agent,
        "agent_id": view.agent_id,
        "owner": view.owner,
        "policy_ids": view.policy_ids,
        "dst_gap": view.dst_gap,
        "dst_overlap": view.dst_overlap,
        "day_match": view.day_match,
        "start_at": time_or_none(view.start_at),
        "end_at": time_or_none(view.end_at),
        "max_fires": view.max_fires,
        "calendar": view.calendar,
        "calendar_mode": view.calendar_mode,
        "on_excluded": view.on_excluded,
        "options": view.options,
        "delivery": [{"target": spec.target, "when": spec.when} for spec in view.delivery],
        "declared_as": view.key,
        "reason": view.reason or None,
    }


def history_entry(fire: FireView) -> dict[str, Any]:
    """One entry of a history: six keys. A fire that never ran has its reason as `error`."""
    error = fire.error or (fire.reason or None if fire.status in _NEVER_RAN else None)
    return {
        "run_id": fire.run_id,
        "started_at": rfc3339(fire.started_at if fire.started_at is not None else fire.created_at),
        "completed_at": time_or_none(fire.completed_at),
        "status": fire.status,
        "error": error,
        "execution_time_ms": fire.execution_time_ms,
    }


def fire_entry(fire: FireView) -> dict[str, Any]:
    """One entry of a history with `?detail=true`."""
    return {
        **history_entry(fire),
        "fire_id": fire.id,
        "scheduled_for": rfc3339(fire.scheduled_for),
        "last_scheduled_for": time_or_none(fire.last_scheduled_for),
        "trigger": fire.trigger,
        "attempt": fire.attempt,
        "reason": fire.reason or None,
        "count": fire.count,
        "missed_count": fire.missed_count,
        "lateness_ms": fire.lateness_ms,
        "deliveries": [{**each, "delivered_at": time_or_none(each["delivered_at"])} for each in fire.receipts],
    }
