"""What to do with a due schedule: which fires run, wait, or are recorded as not run. Pure: rows in, decisions out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from symbi.contracts.scheduling import Catchup, FireStatus, FireTrigger, Overlap, ScheduleKind
from symbi_scheduler.fire_ids import jitter_ms
from symbi_scheduler.timing import Timing

__all__ = ["Behaviour", "Due", "Planned", "Verdict", "admit", "decide", "due_fires"]


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a schedule with every default filled in; durations in milliseconds."""

    overlap: Overlap
    max_concurrent: int
    queue_limit: int
    catchup: Catchup
    catchup_window: int
    catchup_limit: int
    grace: int
    jitter_seconds: int
    max_retries: int
    retry_base: int
    retry_cap: int
    retry_jitter: bool
    retry_on: tuple[str, ...]
    retry_on_lost: bool
    pause_after_failures: int
    legacy_dead_letter: bool
    timeout_seconds: float | None
    priority: str
    session: str | None


class Due(NamedTuple):
    """The part of a schedule's row that the decision needs; `next_due` has come."""

    id: str
    kind: ScheduleKind
    next_due: int
    one_shot: bool
    fires: int
    max_fires: int | None
    active: int
    waiting: int


class Planned(NamedTuple):
    """One fire to be recorded. A summary row stands for `missed` fires up to `last`; `slot` tells whether it counts as an active run."""

    scheduled_for: int
    trigger: FireTrigger
    state: FireStatus
    reason: str
    not_before: int
    slot: bool
    missed: int = 0
    last: int | None = None


@dataclass(slots=True)
class Verdict:
    """What becomes of a due schedule; `replace` tells that fires waiting from before are dropped, `stop` that running ones are stopped."""

    next_due: int | None
    planned: list[Planned] = field(default_factory=list)
    fires: int = 0
    active: int = 0
    waiting: int = 0
    stop: bool = False
    replace: bool = False


class _Chosen(NamedTuple):
    runs: list[int]
    late: bool
    missed: int
    first: int
    last: int


def decide(due: Due, timing: Timing, how: Behaviour, now: int) -> Verdict:
    """Decide on every fire in [next_due, now] (R-OVL, R-MISS, R-JIT, R-BOUND); the cost does not grow with their number."""
    upcoming = timing.next_after(due.next_due)
    if (upcoming is None or upcoming > now) and now - due.next_due <= how.grace:
        chosen = _Chosen([due.next_due], False, 0, 0, 0)
    else:
        chosen = due_fires(timing, due.next_due, now, how)
        if upcoming is not None and upcoming <= now:
            upcoming = timing.next_after(now)
    return _verdict(due, how, now, chosen, upcoming)


def _verdict(due: Due, how: Behaviour, now: int, chosen: _Chosen, upcoming: int | None) -> Verdict:
    verdict = Verdict(next_due=upcoming, active=due.active, waiting=due.waiting)
    left = None if due.max_fires is None else max(0, due.max_fires - due.fires)
    if due.one_shot:
        left = 1 if left is None else min(left, 1)
    runs = chosen.runs if left is None else chosen.runs[:left]
    trigger: FireTrigger = "catchup" if chosen.late else due.kind
    for place, scheduled_for in enumerate(runs):
        missed = chosen.missed if place == len(runs) - 1 and how.catchup in ("latest", "earliest") else 0
        verdict.planned.append(_admitted(verdict, due, how, now, scheduled_for, trigger, upcoming, missed))
    if chosen.missed and not (runs and how.catchup in ("latest", "earliest")):
        reason = f"missed while the scheduler was away; catch-up is {how.catchup}"
        verdict.planned.append(
            Planned(chosen.first, "catchup", "missed", reason, now, False, chosen.missed, chosen.last)
        )
    verdict.fires = len(runs)
    if left is not None and len(runs) >= left:
        verdict.next_due = None
    return verdict


def _admitted(
    verdict: Verdict,
    due: Due,
    how: Behaviour,
    now: int,
    scheduled_for: int,
    trigger: FireTrigger,
    upcoming: int | None,
    missed: int,
) -> Planned:
    state, reason = admit(verdict, how)
    delay = jitter_ms(
        due.id, scheduled_for, how.jitter_seconds, until_next_ms=None if upcoming is None else upcoming - scheduled_for
    )
    not_before = max(scheduled_for + delay, now) if state in ("queued", "waiting") else now
    slot = state == "queued" and not_before <= now
    if slot:
        verdict.active += 1
    elif state == "waiting":
        verdict.waiting += 1
    return Planned(scheduled_for, trigger, state, reason, not_before, slot, missed)


def admit(verdict: Verdict, how: Behaviour) -> tuple[FireStatus, str]:
    """Whether one more fire may run now, must wait, or is not run, by the overlap policy; notes what must be stopped or replaced."""
    full = how.max_concurrent and verdict.active >= how.max_concurrent
    if how.overlap in ("skip", "allow"):
        return ("skipped", _running(verdict.active)) if full else ("queued", "")
    if how.overlap == "terminate_previous":
        verdict.stop = verdict.stop or bool(full)
        return "queued", ""
    if not full and not verdict.waiting:
        return "queued", ""
    if how.overlap == "cancel_previous":
        verdict.stop = True
        verdict.replace = verdict.replace or verdict.waiting > 0
        verdict.waiting = 0
        return "waiting", "waits for the previous run to stop"
    limit = 1 if how.overlap == "queue_one" else how.queue_limit
    if verdict.waiting >= limit:
        return (
            "dropped",
            f"{verdict.waiting} {'fire waits' if verdict.waiting == 1 else 'fires wait'} already behind the running one",
        )
    return "waiting", "waits behind the running one"


def _running(active: int) -> str:
    return "an earlier run still goes on" if active == 1 else f"{active} earlier runs still go on"


def due_fires(timing: Timing, first: int, now: int, how: Behaviour) -> _Chosen:
    """Choose among all fires in [first, now] those that run (R-MISS); `missed` of them, from `first` to `last`, do not."""
    total = timing.count(first - 1, now)
    oldest_on_time = now - how.grace
    late = first < oldest_on_time
    newest = timing.latest(now, not_before=first)
    if newest is None:  # the expression was changed under the schedule: nothing of it is due
        return _Chosen([], late, 0, 0, 0)
    if not late:
        runs = _newest(timing, first, now, how.catchup_limit)
    elif how.catchup == "skip":
        runs = _newest(timing, oldest_on_time, now, how.catchup_limit)
    else:
        runs = _caught_up(timing, max(first, min(now - how.catchup_window, oldest_on_time)), newest, now, how)
    missed = total - len(runs)
    last = newest
    if runs and how.catchup != "earliest":
        last = timing.latest(runs[0] - 1, not_before=first) or first
    return _Chosen(runs, late, max(0, missed), first, last)


def _caught_up(timing: Timing, oldest: int, newest: int, now: int, how: Behaviour) -> list[int]:
    if newest < oldest:
        return []
    if how.catchup == "latest":
        return [newest]
    if how.catchup == "earliest":
        found = timing.next_after(oldest - 1)
        return [found] if found is not None and found <= now else []
    return _newest(timing, oldest, now, how.catchup_limit)


def _newest(timing: Timing, oldest: int, now: int, limit: int) -> list[int]:
    """The newest fires of [oldest, now], at most `limit`, oldest first."""
    after = oldest - 1
    if timing.count(after, now) > limit:
        low, high = after, now
        while high - low > 1:
            middle = (low + high) // 2
            if timing.count(middle, now) > limit:
                low = middle
            else:
                high = middle
        after = high
    found: list[int] = []
    upcoming = timing.next_after(after)
    while upcoming is not None and upcoming <= now and len(found) < limit:
        found.append(upcoming)
        upcoming = timing.next_after(upcoming)
    return found
