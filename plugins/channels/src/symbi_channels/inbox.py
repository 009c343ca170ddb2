"""The inbox: what came in is stored with the keys it may come again under, before the platform is told that we have it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from symbi.contracts.channels import Accepted, InboundMessage
from symbi.contracts.errors import CapacityExceeded
from symbi.store import insert_ignore
from symbi_channels import outbox
from symbi_channels.outbox import Draft
from symbi_channels.tables import CHANNELS, INBOX, RUNS, SEEN

__all__ = ["depth", "finish", "forget", "open_runs", "pending", "put", "run_of", "settle_run"]

_I = INBOX.c


def put(conn: Connection, channel_id: str, message: InboundMessage, now: int, most: int) -> tuple[Accepted, int]:
    """Store a message once; return what became of it and its number in the inbox (0 for none).

    Raises `CapacityExceeded` for a full inbox: the platform has not been told that we have it, and comes again.
    """
    if message.nonce and not _first(conn, channel_id, [f"nonce:{message.nonce}"], now):
        return "replayed", 0
    keys = [f"event:{message.event_id}", *message.also]
    if not _first(conn, channel_id, keys, now):
        return "duplicate", 0
    if most and depth(conn, channel_id) >= most:
        raise CapacityExceeded("the inbox of this channel is full")
    row = {
        "channel_id": channel_id,
        "conversation": message.conversation[:200],
        "message": message,
        "state": "pending",
        "received_at": now,
    }
    done = conn.execute(insert(INBOX).values(**row))
    conn.execute(update(CHANNELS).where(CHANNELS.c.id == channel_id).values(last_message_at=now))
    key = done.inserted_primary_key
    return "new", int(key[0]) if key else 0


def _first(conn: Connection, channel_id: str, keys: list[str], now: int) -> bool:
    """Store the keys and tell whether all of them are new."""
    rows = [{"channel_id": channel_id, "key": key[:300], "at": now} for key in dict.fromkeys(keys)]
    return sum(insert_ignore(conn, SEEN, row, key=("channel_id", "key")) for row in rows) == len(rows)


def pending(conn: Connection, channel_id: str, most: int, busy: Collection[int] = ()) -> Sequence[Row[Any]]:
    """Return up to `most` messages that nobody has acted on, in order, without those in `busy`."""
    query = select(INBOX).where(_I.channel_id == channel_id, _I.state == "pending")
    if busy:
        query = query.where(_I.seq.not_in(list(busy)))
    return conn.execute(query.order_by(_I.seq).limit(most)).all()


def depth(conn: Connection, channel_id: str) -> int:
    """Return how many messages wait."""
    query = select(func.count()).where(_I.channel_id == channel_id, _I.state == "pending")
    return int(conn.execute(query).scalar_one())


def finish(
    conn: Connection,
    seq: int,
    outcome: str,
    *,
    now: int,
    replies: Sequence[Draft] = (),
    run: dict[str, Any] | None = None,
) -> None:
    """Mark a message as acted on, with what is answered at once and the run that it began, in one transaction."""
    values = {"state": "done", "outcome": outcome[:200], "done_at": now}
    done = conn.execute(update(INBOX).where(_I.seq == seq, _I.state == "pending").values(**values))
    if not done.rowcount:
        return
    outbox.put(conn, replies, now)
    if run is not None:
        insert_ignore(conn, RUNS, run, key=("run_id",))


def run_of(conn: Connection, run_id: str) -> Row[Any] | None:
    """Return the run's place of answer, or None for a run that did not come from a channel or is answered."""
    return conn.execute(select(RUNS).where(RUNS.c.run_id == run_id, RUNS.c.answered.is_(False))).first()


def open_runs(conn: Connection, channel_id: str) -> Sequence[Row[Any]]:
    """Return the runs of a channel that are not answered, oldest first."""
    where = (RUNS.c.channel_id == channel_id, RUNS.c.answered.is_(False))
    return conn.execute(select(RUNS).where(*where).order_by(RUNS.c.created_at).limit(1000)).all()


def settle_run(conn: Connection, run_id: str, replies: Sequence[Draft], now: int) -> bool:
    """Answer a run once, the first part in place of its notice: one transaction; tell whether this call did it."""
    where = (RUNS.c.run_id == run_id, RUNS.c.answered.is_(False))
    row = conn.execute(select(RUNS.c.notice).where(*where)).first()
    if row is None or not conn.execute(update(RUNS).where(*where).values(answered=True)).rowcount:
        return False
    first = [msgspec.structs.replace(draft, edits=row.notice) for draft in replies[:1]]
    outbox.put(conn, [*first, *replies[1:]], now)
    return True


def forget(conn: Connection, before: int) -> None:
    """Delete what was done, and the keys that were seen, before a moment."""
    conn.execute(delete(SEEN).where(SEEN.c.at < before))
    conn.execute(delete(INBOX).where(_I.state == "done", _I.done_at < before))
    conn.execute(delete(RUNS).where(RUNS.c.answered.is_(True), RUNS.c.created_at < before))
    outbox.forget(conn, before)
