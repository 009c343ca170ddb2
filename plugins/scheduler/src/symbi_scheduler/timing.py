"""When a schedule fires, whatever its kind: one shape over cron, intervals and single times, in milliseconds UTC."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Protocol

from symbi.contracts.scheduling import DayMatch, DstGap, DstOverlap, OnExcluded, ScheduleKind
from symbi_scheduler.calendar_timing import CalendarTiming
from symbi_scheduler.calendars import day_filter
from symbi_scheduler.cron import CronRule, load_zone, make_rule

__all__ = ["AtTiming", "BoundedTiming", "CronTiming", "IntervalTiming", "Timing", "TimingSpec", "timing_of"]


class Timing(Protocol):
    """Fire times in milliseconds UTC."""

    def next_after(self, after: int) -> int | None:
        """The first fire later than `after`, or None."""

    def latest(self, at: int, *, not_before: int) -> int | None:
        """The last fire at or before `at` and not before `not_before`, or None."""

    def count(self, after: int, until: int) -> int:
        """How many fires lie in (after, until]."""


class TimingSpec(NamedTuple):
    """Everything that decides on fire times; equal specs share one timing. `seed` is the schedule's id where `H` needs it."""

    kind: ScheduleKind
    expression: str
    timezone: str = "UTC"
    dst_gap: DstGap = "auto"
    dst_overlap: DstOverlap = "auto"
    day_match: DayMatch = "and"
    seed: str | None = None
    anchor: int = 0
    start_at: int | None = None
    end_at: int | None = None
    dates: tuple[str, ...] | None = None
    weekdays: tuple[int, ...] = ()
    calendar_mode: str = "exclude"
    on_excluded: OnExcluded = "skip"


class CronTiming:
    """A cron rule, whose unit is the second."""

    __slots__ = ("rule",)

    def __init__(self, rule: CronRule) -> None:
        self.rule = rule

    def next_after(self, after: int) -> int | None:
        """The first fire later than `after`."""
        found = self.rule.next_after(after // 1000)
        return None if found is None else found * 1000

    def latest(self, at: int, *, not_before: int) -> int | None:
        """The last fire in [not_before, at]."""
        found = self.rule.latest(at // 1000, not_before=-(-not_before // 1000))
        return None if found is None else found * 1000

    def count(self, after: int, until: int) -> int:
        """How many fires lie in (after, until]."""
        return self.rule.count(after // 1000, until // 1000)


class IntervalTiming:
    """Every `every` milliseconds from `anchor` on, free of drift."""

    __slots__ = ("anchor", "every")

    def __init__(self, anchor: int, every: int) -> None:
        self.anchor = anchor
        self.every = every

    def next_after(self, after: int) -> int | None:
        """The first multiple later than `after`; the anchor itself is no fire."""
        return self.anchor + max(1, (after - self.anchor) // self.every + 1) * self.every

    def latest(self, at: int, *, not_before: int) -> int | None:
        """The last multiple in [not_before, at]."""
        steps = (at - self.anchor) // self.every
        found = self.anchor + steps * self.every
        return found if steps >= 1 and found >= not_before else None

    def count(self, after: int, until: int) -> int:
        """How many multiples lie in (after, until]."""
        return max(0, (until - self.anchor) // self.every) - max(0, (after - self.anchor) // self.every)


class AtTiming:
    """One single instant."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at

    def next_after(self, after: int) -> int | None:
        """The instant, while it is to come."""
        return self.at if self.at > after else None

    def latest(self, at: int, *, not_before: int) -> int | None:
        """The instant, when it lies in [not_before, at]."""
        return self.at if not_before <= self.at <= at else None

    def count(self, after: int, until: int) -> int:
        """1 when the instant lies in (after, until]."""
        return int(after < self.at <= until)


class BoundedTiming:
    """Fires of another timing within [start, end]."""

    __slots__ = ("end", "inner", "start")

    def __init__(self, inner: Timing, start: int | None, end: int | None) -> None:
        self.inner = inner
        self.start = start if start is not None else -(2**62)
        self.end = end if end is not None else 2**62

    def next_after(self, after: int) -> int | None:
        """The first fire later than `after` and not before the start, None past the end."""
        found = self.inner.next_after(max(after, self.start - 1))
        return found if found is not None and found <= self.end else None

    def latest(self, at: int, *, not_before: int) -> int | None:
        """The last fire in [not_before, at] within the bounds."""
        return self.inner.latest(min(at, self.end), not_before=max(not_before, self.start))

    def count(self, after: int, until: int) -> int:
        """How many fires lie in (after, until] within the bounds."""
        after, until = max(after, self.start - 1), min(until, self.end)
        return self.inner.count(after, until) if until > after else 0


@lru_cache(maxsize=8192)
def timing_of(spec: TimingSpec) -> Timing:
    """Make the timing of a spec; raises CronError where expression or zone cannot be used."""
    timing: Timing
    if spec.kind == "cron":
        timing = CronTiming(
            make_rule(
                spec.expression,
                spec.timezone,
                dst_gap=spec.dst_gap,
                dst_overlap=spec.dst_overlap,
                day_match=spec.day_match,
                seed=spec.seed,
            )
        )
    elif spec.kind == "interval":
        timing = IntervalTiming(spec.anchor, round(float(spec.expression.rpartition(" ")[2].removesuffix("s")) * 1000))
    else:
        timing = AtTiming(spec.anchor)
    if spec.start_at is not None or spec.end_at is not None:
        timing = BoundedTiming(timing, spec.start_at, spec.end_at)
    if spec.dates is not None:
        mode = "include_only" if spec.calendar_mode == "include_only" else "exclude"
        filtered = day_filter(spec.dates, spec.weekdays, mode, spec.on_excluded)  # type: ignore[arg-type]  # mode is narrowed above
        timing = CalendarTiming(timing, filtered, load_zone(spec.timezone))
    return timing
