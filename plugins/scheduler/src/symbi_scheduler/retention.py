"""Keeps the history within its bounds: `keep_last` rows for each schedule, `keep_days` days (R-HIST)."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.tables import FIRES, OUTBOX, SCHEDULES

__all__ = ["forget", "superfluous"]

_F, _S = FIRES.c, SCHEDULES.c
_BATCH = 500


def superfluous(conn: Connection, config: SchedulerConfig, now: int) -> list[str]:
    """Ids of at most 500 ended fires that are too old or too many."""
    found: list[str] = []
    if config.keep_days:
        oldest = now - config.keep_days * 86_400_000
        before = f"{max(oldest, 0):012x}"  # ids begin with the due time, so that old ones are found without a scan
        where = (_F.id < f"{before[:8]}-{before[8:]}", _F.created_at < oldest, _F.completed_at.is_not(None))
        found += conn.execute(select(_F.id).where(*where).limit(_BATCH)).scalars()
    if config.keep_last and not found:
        found += _too_many(conn, config.keep_last)
    return found


def _too_many(conn: Connection, keep: int) -> list[str]:
    crowded = select(_F.schedule_id).group_by(_F.schedule_id).having(func.count() > keep).limit(50)
    found: list[str] = []
    for schedule_id in conn.execute(crowded).scalars().all():
        ended = select(_F.id).where(_F.schedule_id == schedule_id, _F.completed_at.is_not(None))
        newest_first = ended.order_by(_F.created_at.desc(), _F.scheduled_for.desc())
        found += conn.execute(newest_first.offset(keep).limit(_BATCH - len(found))).scalars()
        if len(found) >= _BATCH:
            break
    return found


def forget(conn: Connection, fires: list[str]) -> None:
    """Delete these fires, their deliveries, and archived schedules that have no fire left."""
    conn.execute(delete(OUTBOX).where(OUTBOX.c.fire_id.in_(fires)))
    touched = list(conn.execute(select(_F.schedule_id).where(_F.id.in_(fires)).distinct()).scalars())
    conn.execute(delete(FIRES).where(_F.id.in_(fires)))
    left = select(_F.schedule_id).where(_F.schedule_id.in_(touched))
    conn.execute(delete(SCHEDULES).where(_S.id.in_(touched), _S.state == "archived", _S.id.not_in(left)))
