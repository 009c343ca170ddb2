"""The evaluator: an expression in a zone under a daylight-saving rule, on integer UTC seconds (requirements R-TZ)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.expression import CronExpression, DayMatch, parse
from symbi_scheduler.cron.walk import count_local, ever_fires, next_local
from symbi_scheduler.cron.zones import Segment, Zone, load_zone

__all__ = ["HORIZON", "CronRule", "GapRule", "OverlapRule", "make_rule"]

GapRule = Literal["auto", "skip", "next", "shift"]
OverlapRule = Literal["auto", "first", "last", "both"]

HORIZON = 7258118400  # 2200-01-01T00:00:00Z, the end of the year field
_MARGIN = 2 * 86400  # no two offsets differ by more


class CronRule(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Fire times of one expression in one zone. `gap` and `overlap` are resolved: never `auto` here.

    `skip` drops times that the clock jumps over, `next` fires once at the first instant after the gap, `shift` keeps the distance from
    the gap's begin. Of a repeated time `first`, `last` or `both` passes fire. Two matches on one instant are one fire.
    """

    expression: CronExpression
    zone: Zone
    gap: Literal["skip", "next", "shift"]
    overlap: Literal["first", "last", "both"]

    def next_after(self, after: int) -> int | None:
        """The smallest fire later than `after` (UTC seconds), or None when there is none before the year 2200."""
        now = max(after + 1, 0)
        while now < HORIZON:
            segment = self.zone.at(now)
            found, resume = self._in_segment(segment, now)
            if found is not None:
                return found if found < HORIZON else None
            if resume is None:
                return None
            now = resume
        return None

    def _in_segment(self, segment: Segment, now: int) -> tuple[int | None, int | None]:
        """(the first fire at or after `now` that this segment produces, where to look on); resume None means nothing is left."""
        start, end, offset, before, after = segment
        low = start - before if before < 0 and self.overlap == "first" and now < start - before else now
        high = end + after if after < 0 and self.overlap == "last" else end
        local = next_local(self.expression, low + offset)
        natural = local - offset if 0 <= local < high + offset else None
        if before > 0 and self.gap != "skip":
            extra = self._from_gap(segment, now)
            if extra is not None and (natural is None or extra <= natural):
                return extra, None
        if natural is not None:
            return natural, None
        if after < 0 and end + offset + after < now + offset:
            return None, end  # the coming fold repeats local times before `now`
        if local < 0:
            return None, None
        return None, max(end, local - offset - _MARGIN)

    def _from_gap(self, segment: Segment, now: int) -> int | None:
        """The fire that the gap at the segment's start produces at or after `now`."""
        start, _, offset, before, _ = segment
        gap_end = start + offset
        if self.gap == "next":
            return start if now <= start and 0 <= next_local(self.expression, gap_end - before) < gap_end else None
        local = next_local(self.expression, gap_end - before + max(0, now - start))
        return start + local - (gap_end - before) if 0 <= local < gap_end else None

    def fires(self, after: int, *, until: int | None = None) -> Iterator[int]:
        """Fires later than `after`, in order, up to and including `until`."""
        found = self.next_after(after)
        while found is not None and (until is None or found <= until):
            yield found
            found = self.next_after(found)

    def latest(self, at: int, *, not_before: int = 0) -> int | None:
        """The largest fire at or before `at` and not before `not_before`, or None."""
        low, high = not_before - 1, at
        first = self.next_after(low)
        if first is None or first > at:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            found = self.next_after(middle)
            if found is not None and found <= at:
                low = max(middle, found - 1)
            else:
                high = middle
        return low + 1

    def count(self, after: int, until: int) -> int:
        """How many fires lie in (after, until], by arithmetic: the cost grows with months, not with fires."""
        total, now, stop = 0, max(after + 1, 0), min(until + 1, HORIZON)
        while now < stop:
            segment = self.zone.at(now)
            total += self._count_segment(segment, now, min(segment.end, stop))
            now = segment.end
        return total

    def _count_segment(self, segment: Segment, now: int, stop: int) -> int:
        start, end, offset, before, after = segment
        low = max(now, start - before) if before < 0 and self.overlap == "first" else now
        high = min(stop, end + after) if after < 0 and self.overlap == "last" else stop
        total = count_local(self.expression, low + offset, high + offset)
        if before <= 0 or self.gap == "skip" or now >= start + before:
            return total
        extra = self._from_gap(segment, now)
        while extra is not None and extra < stop:
            local = extra + offset
            total += next_local(self.expression, local) != local  # on an instant that matches by itself it counts once
            extra = self._from_gap(segment, extra + 1)
        return total


def make_rule(
    text: str,
    timezone: str = "UTC",
    *,
    dst_gap: GapRule = "auto",
    dst_overlap: OverlapRule = "auto",
    day_match: DayMatch = "and",
    seed: str | None = None,
) -> CronRule:
    """Parse and check an expression and join it with its zone.

    `auto` is decided by the expression: a wildcard hour or minute means an interval (`skip`, `both`), anything else a fixed time
    (`next`, `first`). Raises CronError, `never_fires` for a date that no calendar has.
    """
    for name, value, known in (
        ("dst_gap", dst_gap, ("auto", "skip", "next", "shift")),
        ("dst_overlap", dst_overlap, ("auto", "first", "last", "both")),
        ("day_match", day_match, ("and", "or")),
    ):
        if value not in known:
            raise CronError("bad_value", f"{name}: {value!r} is not one of {', '.join(known)}", field=name)
    expression = parse(text, seed=seed, day_match=day_match)
    zone = load_zone(timezone)
    if not ever_fires(expression):
        raise CronError(
            "never_fires",
            "no date of the calendar matches this expression",
            field="expression",
            hint=_never_hint(expression),
        )
    gap = ("skip" if expression.interval else "next") if dst_gap == "auto" else dst_gap
    overlap = ("both" if expression.interval else "first") if dst_overlap == "auto" else dst_overlap
    return CronRule(
        expression=expression,
        zone=zone,
        gap=gap,
        overlap=overlap,
    )


def _never_hint(expression: CronExpression) -> str | None:
    if expression.day_restricted and expression.weekday_restricted and expression.day_match == "and":
        return 'the day and the weekday must both match; day_match "or" takes either'
    return "check the day against the month and the year"
