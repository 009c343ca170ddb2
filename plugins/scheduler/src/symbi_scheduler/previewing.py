"""What an expression means, before and after it is stored."""

from __future__ import annotations

from typing import Any

from symbi.contracts.scheduling import CalendarView, Preview, ScheduleRequest
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.cron.describe import describe
from symbi_scheduler.definitions import define
from symbi_scheduler.plans import spec_of
from symbi_scheduler.timing import CronTiming, Timing, timing_of

__all__ = ["cron_of", "preview", "take", "upcoming"]


def upcoming(row: Any, calendar: CalendarView | None, count: int) -> list[int]:
    """The next fires of a stored schedule, the one that is due first; limited by what is left of `max_fires`."""
    if row.next_due is None:
        return []
    left = count if row.max_fires is None else min(count, max(0, row.max_fires - row.fires))
    left = min(left, 1) if row.one_shot else left
    spec = spec_of(row, dates=calendar.dates if calendar else None, weekdays=calendar.weekdays if calendar else ())
    return [row.next_due, *take(timing_of(spec), row.next_due, left - 1)][:left]


def preview(
    request: ScheduleRequest,
    *,
    count: int,
    after: int,
    now: int,
    config: SchedulerConfig,
    calendar: CalendarView | None,
) -> Preview:
    """Check a request and work out its next fires after `after`, warnings and words; raises InvalidRequest as creating it would."""
    defined = define(
        request, ident="preview", now=min(after, now) if request.at is None else now, config=config, calendar=calendar
    )
    rule = cron_of(defined.timing)
    if rule is None:
        words = (
            f"Once, {defined.columns['expression'][4:]}."
            if request.at
            else f"Every {defined.columns['expression'][7:-1]} seconds."
        )
    else:
        words = describe(rule.rule.expression, timezone=request.timezone)
    limit = min(count, request.max_fires or count, 1 if request.one_shot else count)
    return Preview(
        expression=defined.columns["expression"], timezone=request.timezone, next_runs=tuple(take(defined.timing, after, limit)),
        warnings=defined.warnings, description=words, dst_gap=rule.rule.gap if rule else "", dst_overlap=rule.rule.overlap if rule else "",
    )  # fmt: skip


def take(timing: Timing, after: int, count: int) -> list[int]:
    """At most `count` fires later than `after`."""
    found: list[int] = []
    next_one = timing.next_after(after)
    while next_one is not None and len(found) < count:
        found.append(next_one)
        next_one = timing.next_after(next_one)
    return found


def cron_of(timing: Timing) -> CronTiming | None:
    """The cron rule inside a timing, or None for other kinds."""
    inner: Any = timing
    while not isinstance(inner, CronTiming):
        inner = getattr(inner, "inner", None)
        if inner is None:
            return None
    return inner
