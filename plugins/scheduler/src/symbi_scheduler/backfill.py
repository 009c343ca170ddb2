"""Backfill: the fires of a past range that never ran (R-BACK)."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import Overlap
from symbi.store import insert_ignore
from symbi_scheduler.behaviour import behaviour_of
from symbi_scheduler.changes import locked
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.fire_ids import fire_id
from symbi_scheduler.plans import stored_timing
from symbi_scheduler.tables import FIRES, SCHEDULES
from symbi_scheduler.timing import Timing

__all__ = ["MAX_FIRES", "backfill"]

MAX_FIRES = 10_000
_S, _F = SCHEDULES.c, FIRES.c
_NEVER_RAN = ("skipped", "missed", "dropped")


def backfill(
    conn: Connection,
    schedule_id: str,
    start: int,
    end: int,
    now: int,
    config: SchedulerConfig,
    *,
    overlap: Overlap | None,
    dry_run: bool,
) -> tuple[tuple[int, ...], int]:
    """Queue the fires of [start, end) that have no run; return their times and how many were there already.

    With `overlap` `allow` (or a schedule without a limit) all may start at once; otherwise they stand in line, one after another. Raises
    InvalidRequest for a range that is empty, lies ahead, or holds more than 10,000 fires.
    """
    row = locked(conn, schedule_id)
    if end <= start:
        raise InvalidRequest("the range is empty: `to` must lie after `from`", details={"field": "to"})
    if end > now:
        raise InvalidRequest("a backfill covers the past; `to` lies ahead", details={"field": "to"})
    timing = stored_timing(conn, row, {})
    if timing.count(start - 1, end - 1) > MAX_FIRES:
        raise InvalidRequest(
            f"more than {MAX_FIRES} fires in one call", hint="split the range", details={"field": "to"}
        )
    times = _times(timing, start, end)
    there = _with_run(conn, schedule_id, times)
    missing = tuple(time for time in times if time not in there)
    if dry_run or not missing:
        return missing, len(there)
    how = behaviour_of(row.options, config)
    together = (overlap or how.overlap) == "allow" or (overlap is None and how.max_concurrent == 0)
    running = row.active
    rows = []
    for place, time in enumerate(missing):
        now_free = together or (place == 0 and not running and not row.waiting)
        rows.append({
            "id": fire_id(schedule_id, time, "backfill"), "schedule_id": schedule_id, "scheduled_for": time, "trigger": "backfill", "attempt": 1,
            "state": "queued" if now_free else "waiting", "slot": now_free, "not_before": now, "fence": 0, "missed": 0, "created_at": now,
            "reason": "" if now_free else "waits behind the running one",
        })  # fmt: skip
    insert_ignore(conn, FIRES, rows, key=["id"])
    queued = sum(each["state"] == "queued" for each in rows)
    changes = {"active": _S.active + queued, "waiting": _S.waiting + len(rows) - queued, "runs": _S.runs + len(rows)}
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(**changes))
    return missing, len(there)


def _times(timing: Timing, start: int, end: int) -> list[int]:
    found, upcoming = [], timing.next_after(start - 1)
    while upcoming is not None and upcoming < end:
        found.append(upcoming)
        upcoming = timing.next_after(upcoming)
    return found


def _with_run(conn: Connection, schedule_id: str, times: list[int]) -> set[int]:
    """Those times that have a fire which ran, runs or is to run."""
    if not times:
        return set()
    where = (
        _F.schedule_id == schedule_id,
        _F.scheduled_for.between(times[0], times[-1]),
        _F.state.not_in(_NEVER_RAN),
        _F.trigger != "manual",
    )
    return set(conn.execute(select(_F.scheduled_for).where(*where)).scalars()) & set(times)
