"""From a due schedule's row to its timing and behaviour; equal settings share both, so that a fire costs a dictionary lookup."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from symbi_scheduler.behaviour import behaviour_of
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.decide import Behaviour
from symbi_scheduler.tables import CALENDARS, SCHEDULES
from symbi_scheduler.timing import Timing, TimingSpec, timing_of

__all__ = ["DUE", "DueRow", "Plans", "spec_of", "stored_timing"]

_S = SCHEDULES.c
_MOST = 16_384
_Days = dict[str, tuple[tuple[str, ...], tuple[int, ...]]]


class DueRow(NamedTuple):
    """The columns of a schedule that firing needs, in the order in which they are read; those up to `options` decide on plan."""

    kind: str
    expression: str
    timezone: str
    dst_gap: str
    dst_overlap: str
    day_match: str
    anchor: int
    start_at: int | None
    end_at: int | None
    calendar: str | None
    calendar_mode: str
    on_excluded: str
    options: str
    id: str
    max_fires: int | None
    one_shot: bool
    next_due: int
    last_run: int | None
    last_due: int
    fires: int
    active: int
    waiting: int


DUE = (
    select(*(_S[name] for name in DueRow._fields))
    .where(_S.state == "active", _S.next_due <= bindparam("now"))
    .order_by(_S.next_due)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_PLAN_WIDTH = DueRow._fields.index("options") + 1


class Plans:
    """Timings and behaviours of one configuration, by the settings that decide them."""

    def __init__(self, config: SchedulerConfig) -> None:
        self.config = config
        self._known: dict[tuple[Any, ...], tuple[Timing, Behaviour]] = {}

    def of(self, conn: Connection, row: DueRow, calendars: _Days) -> tuple[Timing, Behaviour]:
        """The timing and behaviour of a row; raises CronError, ValueError or LookupError for one that is damaged."""
        key = row[:_PLAN_WIDTH]
        found = self._known.get(key)
        if found is None:
            found = stored_timing(conn, row, calendars), behaviour_of(row.options, self.config)
            if row.calendar is None and not _hashed(row):
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = found
        return found


def _hashed(row: Any) -> bool:
    text = row.expression
    return (
        row.kind == "cron"
        and ("H" in text or "h" in text)
        and any(item[:1] in "Hh" for part in text.split() for item in part.split(","))
    )


def spec_of(row: Any, *, dates: tuple[str, ...] | None = None, weekdays: tuple[int, ...] = ()) -> TimingSpec:
    """The timing spec of a schedule's row; the id matters only where `H` is placed by it."""
    return TimingSpec(
        row.kind, row.expression, row.timezone, row.dst_gap, row.dst_overlap, row.day_match, row.id if _hashed(row) else None,
        row.anchor if row.kind != "cron" else 0, row.start_at, row.end_at, dates, weekdays, row.calendar_mode, row.on_excluded,
    )  # fmt: skip


def stored_timing(conn: Connection, row: Any, calendars: _Days) -> Timing:
    """The timing of a schedule's row with its calendar read from the store; raises CronError, LookupError for a calendar that is gone."""
    if row.calendar is None:
        return timing_of(spec_of(row))
    if row.calendar not in calendars:
        found = conn.execute(
            select(CALENDARS.c.dates, CALENDARS.c.weekdays).where(CALENDARS.c.name == row.calendar)
        ).one_or_none()
        if found is None:
            raise LookupError(f"the calendar {row.calendar!r} does not exist")
        calendars[row.calendar] = (found.dates, found.weekdays)
    dates, weekdays = calendars[row.calendar]
    return timing_of(spec_of(row, dates=dates, weekdays=weekdays))
