"""From a request to a schedule's row: everything that can be wrong with it is found before anything is stored."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NamedTuple

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import CalendarView, ScheduleRequest
from symbi.kernel.clock import rfc3339
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.cron import CronError, load_zone
from symbi_scheduler.cron.cautions import cautions
from symbi_scheduler.cron.localtime import local_to_utc
from symbi_scheduler.cron.second_reader import cross_check
from symbi_scheduler.instants import parse_moment
from symbi_scheduler.limits import check_limits
from symbi_scheduler.plans import spec_of
from symbi_scheduler.timing import BoundedTiming, CronTiming, Timing, timing_of

__all__ = ["Defined", "define", "invalid", "read_time"]

_MIN_INTERVAL_MS = 100
_MAX_INTERVAL_MS = 10 * 366 * 86_400_000


class Defined(NamedTuple):
    """The columns that a request decides, its timing, the first fire after `now`, and warnings for its author."""

    columns: dict[str, Any]
    timing: Timing
    next_due: int | None
    warnings: tuple[str, ...]


class _Columns:
    """Columns by attribute, as a row would give them."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.__dict__.update(columns)


def define(
    request: ScheduleRequest, *, ident: str, now: int, config: SchedulerConfig, calendar: CalendarView | None = None
) -> Defined:
    """Check a request and work out its columns; raises InvalidRequest whose details name the field (R-CRON, R-TZ, R-BOUND, R-CAL)."""
    given = [name for name in ("cron_expression", "at", "every_seconds") if getattr(request, name) is not None]
    if len(given) != 1:
        raise invalid(
            "cron_expression",
            "give exactly one of cron_expression, at and every_seconds",
            code="MISSING_FIELD" if not given else "INVALID_REQUEST",
        )
    check_limits(request)
    try:
        load_zone(request.timezone)
        columns, warnings = _kind_columns(request, now)
        columns |= _common_columns(request)
        row = _Columns({**columns, "id": ident})
        spec = spec_of(row, dates=calendar.dates if calendar else None, weekdays=calendar.weekdays if calendar else ())
        timing = timing_of(spec)
        if request.cron_expression is not None:
            warnings += _check_cron(timing)
    except CronError as error:
        raise invalid(
            _FIELDS.get(error.field, "cron_expression"), str(error), code=error.code, part=error.field
        ) from None
    return Defined(columns, timing, _first(request, timing, columns, now, config), tuple(warnings))


_FIELDS = {
    "timezone": "timezone",
    "dst_gap": "dst_gap",
    "dst_overlap": "dst_overlap",
    "day_match": "day_match",
    "at": "at",
}


def invalid(field: str, message: str, *, code: str = "INVALID_REQUEST", part: str = "") -> InvalidRequest:
    """The error for a field that is wrong; `part` is the place inside an expression."""
    details = {"field": field, **({"part": part} if part and part != field else {})}
    return InvalidRequest(message, code=code, details=details)


def _kind_columns(request: ScheduleRequest, now: int) -> tuple[dict[str, Any], list[str]]:
    if request.cron_expression is not None:
        return {"kind": "cron", "expression": request.cron_expression, "anchor": 0}, []
    if request.every_seconds is not None:
        every = round(min(max(request.every_seconds, 0.0), 1e10) * 1000)
        if not _MIN_INTERVAL_MS <= every <= _MAX_INTERVAL_MS:
            raise invalid("every_seconds", "an interval lies between 0.1 seconds and ten years", code="out_of_range")
        start = read_time("start_at", request.start_at, request) if request.start_at else None
        anchor = start[0] - every if start else now
        return {
            "kind": "interval",
            "expression": f"@every {every / 1000:.3f}".rstrip("0").rstrip(".") + "s",
            "anchor": anchor,
        }, []
    at, warnings = read_time("at", request.at or "", request)
    return {"kind": "at", "expression": f"@at {rfc3339(at)}", "anchor": at}, warnings


def _common_columns(request: ScheduleRequest) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: getattr(request, name)
        for name in (
            "name",
            "timezone",
            "dst_gap",
            "dst_overlap",
            "day_match",
            "max_fires",
            "calendar",
            "calendar_mode",
            "on_excluded",
            "one_shot",
        )
    }
    for name in ("start_at", "end_at"):
        text = getattr(request, name)
        columns[name] = read_time(name, text, request)[0] if text else None
    if columns["start_at"] and columns["end_at"] and columns["end_at"] < columns["start_at"]:
        raise invalid("end_at", "end_at lies before start_at")
    return columns


def read_time(field: str, text: str, request: ScheduleRequest) -> tuple[int, list[str]]:
    """Milliseconds UTC of an ISO 8601 time, and warnings; a time without offset is local in the schedule's zone (TZ4)."""
    moment = parse_moment(field, text)
    if moment.tzinfo is not None:
        return round(moment.timestamp() * 1000), []
    zone = load_zone(request.timezone)
    local = moment.replace(tzinfo=UTC).timestamp()
    placed = local_to_utc(zone, int(local // 1))
    extra = round(local % 1 * 1000)
    if placed.kind == "gap":
        if request.dst_gap == "auto":
            message = f"{text} does not exist in {request.timezone}: the clock jumps over it"
            raise invalid(field, message + "; give dst_gap or an offset", code="in_a_gap")
        if request.dst_gap == "skip":
            raise invalid(
                field, f"{text} does not exist in {request.timezone}, and dst_gap is skip", code="never_fires"
            )
        before = zone.at(placed.gap_start - 1).offset
        return (placed.utc if request.dst_gap == "next" else int(local // 1) - before) * 1000 + extra, []
    if placed.kind == "fold":
        if request.dst_overlap == "last":
            later = zone.at(placed.utc).end
            return (int(local // 1) - zone.at(later).offset) * 1000 + extra, []
        return placed.utc * 1000 + extra, [
            f"{text} happens twice in {request.timezone}; the first one is meant (dst_overlap last, or an offset, for the other)"
        ]
    return placed.utc * 1000 + extra, []


def _check_cron(timing: Timing) -> list[str]:
    inner: Any = timing
    while not isinstance(inner, CronTiming):
        inner = inner.inner
    cross_check(inner.rule.expression)
    return cautions(inner.rule.expression)


def _first(
    request: ScheduleRequest, timing: Timing, columns: dict[str, Any], now: int, config: SchedulerConfig
) -> int | None:
    if columns["kind"] == "at":
        window = request.options.catchup_window_seconds
        oldest = now - round((config.catchup_window_seconds if window is None else window) * 1000)
        found = timing.next_after(min(now, oldest) - 1)
        if found is None:
            raise invalid(
                "at", "this time has passed, and is further back than the catch-up window", code="in_the_past"
            )
        return found
    found = timing.next_after(now)
    if found is not None:
        return found
    if (
        columns["kind"] == "cron"
        and request.calendar is None
        and columns["end_at"] is None
        and columns["start_at"] is None
    ):
        raise invalid("cron_expression", "every date that this expression names has passed", code="in_the_past")
    if columns["end_at"] is not None and columns["end_at"] <= now:
        raise invalid("end_at", "end_at has passed", code="in_the_past")
    inner = timing.inner if isinstance(timing, BoundedTiming) else timing
    code = "never_fires" if inner.next_after(0) is None or request.calendar else "in_the_past"
    raise invalid(
        "calendar" if request.calendar else "cron_expression",
        "no date is left: expression, bounds and calendar exclude each other",
        code=code,
    )
