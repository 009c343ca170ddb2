"""Rows of channels and mappings, and who of several runtimes holds a channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from symbi.contracts.errors import Conflict, NotFound
from symbi_channels.tables import APPROVALS, CHANNELS, INBOX, MAPPINGS, OUTBOX, RUNS, SEEN

__all__ = [
    "add",
    "add_mapping",
    "by_source",
    "change",
    "claim",
    "count",
    "every",
    "find",
    "mapping",
    "mappings",
    "release",
    "remove",
    "remove_mapping",
    "wanted",
]

_C = CHANNELS.c


def add(conn: Connection, row: dict[str, Any]) -> None:
    """Insert a channel; raises `Conflict` for a name that is taken."""
    if conn.execute(select(_C.id).where(_C.name == row["name"])).first():
        raise Conflict(f"there is a channel {row['name']!r} already", code="REGISTER_CHANNEL_FAILED")
    conn.execute(insert(CHANNELS).values(**row))


def find(conn: Connection, name_or_id: str) -> Row[Any]:
    """Return the channel with this id, else with this name; raises `NotFound` (`CHANNEL_NOT_FOUND`)."""
    rows = conn.execute(select(CHANNELS).where((_C.id == name_or_id) | (_C.name == name_or_id))).all()
    if not rows:
        raise NotFound(f"no channel {name_or_id!r}", code="CHANNEL_NOT_FOUND", hint="symbi channels list")
    return next((row for row in rows if row.id == name_or_id), rows[0])


def every(conn: Connection) -> Sequence[Row[Any]]:
    """Return all channels, oldest first."""
    return conn.execute(select(CHANNELS).order_by(_C.created_at, _C.id)).all()


def by_source(conn: Connection, source: str) -> Sequence[Row[Any]]:
    """Return the channels that one file declares."""
    return conn.execute(select(CHANNELS).where(_C.source == source)).all()


def count(conn: Connection) -> int:
    """Return how many channels there are."""
    return int(conn.execute(select(func.count()).select_from(CHANNELS)).scalar_one())


def wanted(conn: Connection) -> Sequence[Row[Any]]:
    """Return the channels that should run."""
    return conn.execute(select(CHANNELS).where(_C.wanted.is_(True)).order_by(_C.created_at)).all()


def change(conn: Connection, channel_id: str, values: dict[str, Any]) -> None:
    """Update columns of a channel."""
    conn.execute(update(CHANNELS).where(_C.id == channel_id).values(**values))


def remove(conn: Connection, channel_id: str) -> None:
    """Delete a channel with everything of it."""
    for table in (MAPPINGS, SEEN, INBOX, OUTBOX, RUNS, APPROVALS):
        conn.execute(delete(table).where(table.c.channel_id == channel_id))
    conn.execute(delete(CHANNELS).where(_C.id == channel_id))


def claim(conn: Connection, channel_id: str, holder: str, now: int, until: int, *, alone: bool) -> bool:
    """Take or renew the lease of a channel; tell whether it is held. `alone` means that no other runtime can be there."""
    free = _C.lease_until < now
    mine = _C.holder == holder
    where = (_C.id == channel_id) if alone else (_C.id == channel_id) & (mine | free)
    done = conn.execute(update(CHANNELS).where(where, _C.wanted.is_(True)).values(holder=holder, lease_until=until))
    return done.rowcount == 1


def release(conn: Connection, holder: str) -> None:
    """Give back every lease of a runtime that ends."""
    conn.execute(update(CHANNELS).where(_C.holder == holder).values(holder="", lease_until=0))


def mappings(conn: Connection, channel_id: str) -> Sequence[Row[Any]]:
    """Return the people of a channel, oldest first."""
    query = select(MAPPINGS).where(MAPPINGS.c.channel_id == channel_id)
    return conn.execute(query.order_by(MAPPINGS.c.created_at, MAPPINGS.c.platform_user_id)).all()


def mapping(conn: Connection, channel_id: str, platform_user_id: str) -> Row[Any] | None:
    """Return who a person of the platform is, or None."""
    m = MAPPINGS.c
    return conn.execute(
        select(MAPPINGS).where(m.channel_id == channel_id, m.platform_user_id == platform_user_id)
    ).first()


def add_mapping(conn: Connection, row: dict[str, Any]) -> None:
    """Insert a mapping; raises `Conflict` where the person has one."""
    if mapping(conn, row["channel_id"], row["platform_user_id"]) is not None:
        raise Conflict(
            f"{row['platform_user_id']!r} is mapped already",
            code="ADD_CHANNEL_MAPPING_FAILED",
            hint="delete the mapping first",
        )
    conn.execute(insert(MAPPINGS).values(**row))


def remove_mapping(conn: Connection, channel_id: str, platform_user_id: str) -> None:
    """Delete a mapping; raises `NotFound`."""
    m = MAPPINGS.c
    done = conn.execute(delete(MAPPINGS).where(m.channel_id == channel_id, m.platform_user_id == platform_user_id))
    if not done.rowcount:
        raise NotFound(f"{platform_user_id!r} has no mapping here", code="REMOVE_CHANNEL_MAPPING_FAILED")
