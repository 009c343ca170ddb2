"""The outbox: messages on their way to a platform, in order for each conversation, kept until it takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from symbi.contracts.channels import OutboundMessage, Sent
from symbi.contracts.errors import CapacityExceeded
from symbi_channels.tables import OUTBOX

__all__ = [
    "Draft",
    "depth",
    "destinations",
    "fail",
    "find",
    "find_key",
    "first_of",
    "forget",
    "put",
    "retry",
    "sent",
]

_O = OUTBOX.c


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be put into the outbox. `edits` names one that it replaces; where that cannot be edited, it is sent as a new one, or
    dropped when `optional`. `key` makes it unique.
    """

    id: str
    channel_id: str
    message: OutboundMessage
    edits: str = ""
    optional: bool = False
    key: str | None = None


def put(conn: Connection, drafts: Sequence[Draft], now: int, *, most: int = 0) -> None:
    """Insert messages at the end of their conversations; one whose key is there already is skipped.

    Raises `CapacityExceeded` where more than `most` would wait in the channel.
    """
    for draft in drafts:
        if draft.key is not None and find_key(conn, draft.key) is not None:
            continue
        if most and depth(conn, draft.channel_id) >= most:
            raise CapacityExceeded("the outbox of this channel is full", hint="is the platform down?")
        conn.execute(
            insert(OUTBOX).values(
                id=draft.id, key=draft.key, channel_id=draft.channel_id, destination=draft.message.conversation[:300], message=draft.message,
                edits=draft.edits, optional=draft.optional, state="pending", attempts=0, next_try=now, created_at=now,
            )
        )  # fmt: skip


def destinations(conn: Connection, channel_id: str) -> list[str]:
    """Return the conversations for which something waits."""
    query = select(_O.destination).where(_O.channel_id == channel_id, _O.state == "pending").distinct()
    return [row.destination for row in conn.execute(query)]


def first_of(conn: Connection, channel_id: str, destination: str) -> Row[Any] | None:
    """Return the message that is next in a conversation."""
    where = (_O.channel_id == channel_id, _O.destination == destination, _O.state == "pending")
    return conn.execute(select(OUTBOX).where(*where).order_by(_O.seq).limit(1)).first()


def find(conn: Connection, outbox_id: str) -> Row[Any] | None:
    """Return one message by its id."""
    return conn.execute(select(OUTBOX).where(_O.id == outbox_id)).first()


def find_key(conn: Connection, key: str) -> Row[Any] | None:
    """Return the message with this key."""
    return conn.execute(select(OUTBOX).where(_O.key == key)).first()


def sent(conn: Connection, seq: int, receipt: Sent, now: int) -> None:
    """Note that the platform has it."""
    values = {"state": "sent", "sent": receipt, "done_at": now, "attempts": _O.attempts + 1, "error": ""}
    conn.execute(update(OUTBOX).where(_O.seq == seq).values(**values))


def retry(conn: Connection, seq: int, error: str, next_try: int) -> None:
    """Note a failed try and when the next one is due."""
    values = {"attempts": _O.attempts + 1, "error": error[:1000], "next_try": next_try}
    conn.execute(update(OUTBOX).where(_O.seq == seq).values(**values))


def fail(conn: Connection, seq: int, error: str, now: int) -> None:
    """Give a message up; what follows goes on."""
    values = {"state": "failed", "attempts": _O.attempts + 1, "error": error[:1000], "done_at": now}
    conn.execute(update(OUTBOX).where(_O.seq == seq).values(**values))


def depth(conn: Connection, channel_id: str) -> int:
    """Return how many messages wait."""
    query = select(func.count()).where(_O.channel_id == channel_id, _O.state == "pending")
    return int(conn.execute(query).scalar_one())


def forget(conn: Connection, before: int) -> None:
    """Delete what was sent or given up before a moment."""
    conn.execute(delete(OUTBOX).where(_O.state != "pending", _O.done_at < before))
