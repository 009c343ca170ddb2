"""What is asked of and told to the store; every function runs inside one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, text, update

from symbi.contracts.effects import EffectReply
from symbi.contracts.engines import QueuedRun
from symbi.contracts.runs import END_STATES, RunEvent
from symbi.store import insert_ignore
from symbi_runs.records import COLUMNS, RunRecord, queue_depth
from symbi_runs.tables import DEFINITIONS, EFFECTS, EVENTS, KEYS, MAILBOX, RUNS

__all__ = [
    "PURGE_BATCH",
    "Change",
    "KnownKey",
    "NewRun",
    "StoredEffect",
    "apply_changes",
    "claim",
    "definition",
    "effects_of",
    "end_unclaimed",
    "events_after",
    "find_runs",
    "insert_runs",
    "last_seqs",
    "load_queue",
    "load_run",
    "purge",
    "renew",
    "request_cancel",
    "requeue_waiting",
    "status_counts",
    "stray_runs",
    "take_up",
]

_ROW = [RUNS.c[name] for name in COLUMNS]
_ENTRY = [
    RUNS.c[name]
    for name in ("id", "agent_id", "principal_id", "rank", "not_before", "memory_bytes", "cores", "options")
]


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """An idempotency key: hashed with its principal and agent, and the hash of what was asked under it."""

    scope: str
    fingerprint: str


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to be stored: its row, its definition, its first event, its key."""

    record: RunRecord
    language: str
    text: str
    event: RunEvent
    key: KnownKey | None = None


class StoredEffect(msgspec.Struct, frozen=True, kw_only=True):
    """One effect of a run as the journal holds it; `reply` is None while it is under way."""

    run_id: str
    epoch: int
    seq: int
    kind: str
    name: str
    hash: str
    approval_id: str | None = None
    reply: EffectReply | None = None
    began_at: int
    ended_at: int | None = None


class Change(msgspec.Struct, kw_only=True):
    """A change to one claimed run: new values of its row, further events, effects begun and ended; all of it or nothing.

    It holds only while `fence` is that of the claim.
    """

    run_id: str
    fence: int
    values: dict[str, Any] = {}
    events: list[RunEvent] = []
    begun: list[StoredEffect] = []
    ended: list[StoredEffect] = []


def _record(row: Row[Any]) -> RunRecord:
    return RunRecord(**row._mapping)


def _row(record: RunRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in COLUMNS}


def _event_row(event: RunEvent) -> dict[str, Any]:
    return {"run_id": event.run_id, "seq": event.seq, "at": event.at, "kind": event.kind, "data": event.data}


def insert_runs(conn: Connection, runs: Sequence[NewRun]) -> list[tuple[str, str]]:
    """Store new runs; return for each `(run id, fingerprint)`: those of an earlier run where the key was used before."""
    answers: list[tuple[str, str]] = []
    fresh: list[NewRun] = []
    for run in runs:
        known = _earlier(conn, run) if run.key is not None else None
        if known is None:
            fresh.append(run)
        answers.append(known or (run.record.id, run.key.fingerprint if run.key else ""))
    if not fresh:
        return answers
    texts = {run.record.revision: run for run in fresh}
    rows = [{"revision": revision, "language": run.language, "text": run.text} for revision, run in texts.items()]
    insert_ignore(conn, DEFINITIONS, rows, key=("revision",))
    conn.execute(insert(RUNS), [_row(run.record) for run in fresh])
    conn.execute(insert(EVENTS), [_event_row(run.event) for run in fresh])
    return answers


def _earlier(conn: Connection, run: NewRun) -> tuple[str, str] | None:
    key = run.key
    assert key is not None
    row = {
        "scope": key.scope,
        "fingerprint": key.fingerprint,
        "run_id": run.record.id,
        "created_at": run.record.created_at,
    }
    if insert_ignore(conn, KEYS, row, key=("scope",)):
        return None
    found = conn.execute(select(KEYS.c.run_id, KEYS.c.fingerprint).where(KEYS.c.scope == key.scope)).one()
    return found.run_id, found.fingerprint


_CLAIM = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), RUNS.c.status == "queued")
    .values(
        status="claimed",
        owner=bindparam("new_owner"),
        lease_until=bindparam("until"),
        fence=RUNS.c.fence + 1,
        attempt=RUNS.c.attempt + 1,
        process=None,
    )
)


def claim(
    conn: Connection, run_ids: Sequence[str], *, owner: str, lease_ms: int, now: int
) -> list[tuple[RunRecord, int]]:
    """Claim those of the runs that are still queued; return each with the number of its last event, after its `claimed` event."""
    wanted = select(RUNS.c.id).where(RUNS.c.id.in_(run_ids), RUNS.c.status == "queued")
    if conn.dialect.name == "postgresql":
        wanted = wanted.with_for_update(skip_locked=True)
    open_ids = [row.id for row in conn.execute(wanted)]
    if not open_ids:
        return []
    until = _lease_clock(conn, now) + lease_ms
    conn.execute(_CLAIM, [{"run": run_id, "new_owner": owner, "until": until} for run_id in open_ids])
    records = [_record(row) for row in conn.execute(select(*_ROW).where(RUNS.c.id.in_(open_ids)))]
    seqs = last_seqs(conn, open_ids)
    events = [
        RunEvent(
            run_id=each.id,
            seq=seqs.get(each.id, 0) + 1,
            at=now,
            kind="claimed",
            data={"attempt": each.attempt, "owner": owner},
        )
        for each in records
    ]
    conn.execute(insert(EVENTS), [_event_row(event) for event in events])
    return [(record, event.seq) for record, event in zip(records, events, strict=True)]


def apply_changes(conn: Connection, changes: Sequence[Change]) -> list[bool]:
    """Apply the changes whose fence still holds; return for each whether it did."""
    held = [_holds(conn, change) for change in changes]
    kept = [change for change, holds in zip(changes, held, strict=True) if holds]
    events = [_event_row(event) for change in kept for event in change.events]
    begun = [msgspec.structs.asdict(effect) for change in kept for effect in change.begun]
    ended = [effect for change in kept for effect in change.ended]
    if events:
        conn.execute(insert(EVENTS), events)
    if begun:
        conn.execute(insert(EFFECTS), begun)
    if ended:
        conn.execute(_END_EFFECT, [_ended_row(effect) for effect in ended])
    return held


def _holds(conn: Connection, change: Change) -> bool:
    where = (RUNS.c.id == change.run_id) & (RUNS.c.fence == change.fence)
    if change.values:
        return conn.execute(update(RUNS).where(where), change.values).rowcount == 1
    # Without new values the fence is only looked at; a journal of an unfenced run cannot collide, since its numbers are taken.
    return True


_END_EFFECT = (
    update(EFFECTS)
    .where(
        EFFECTS.c.run_id == bindparam("run"),
        EFFECTS.c.epoch == bindparam("of_epoch"),
        EFFECTS.c.seq == bindparam("number"),
    )
    .values(reply=bindparam("new_reply"), ended_at=bindparam("at"), approval_id=bindparam("approval"))
)


def _ended_row(effect: StoredEffect) -> dict[str, Any]:
    return {
        "run": effect.run_id,
        "of_epoch": effect.epoch,
        "number": effect.seq,
        "new_reply": effect.reply,
        "at": effect.ended_at,
        "approval": effect.approval_id,
    }


def load_run(conn: Connection, run_id: str) -> RunRecord | None:
    """Return one run."""
    row = conn.execute(select(*_ROW).where(RUNS.c.id == run_id)).one_or_none()
    return _record(row) if row is not None else None


def find_runs(
    conn: Connection,
    *,
    agent_id: str | None = None,
    status: Sequence[str] = (),
    schedule_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[RunRecord]:
    """Return runs, newest first."""
    statement = select(*_ROW).order_by(RUNS.c.created_at.desc(), RUNS.c.id.desc()).limit(limit)
    if agent_id is not None:
        statement = statement.where(RUNS.c.agent_id == agent_id)
    if status:
        statement = statement.where(RUNS.c.status.in_(list(status)))
    if schedule_id is not None:
        statement = statement.where(RUNS.c.schedule_id == schedule_id)
    if before is not None:
        statement = statement.where(RUNS.c.created_at < before)
    return [_record(row) for row in conn.execute(statement)]


def events_after(conn: Connection, run_id: str, after: int, limit: int = 1000) -> list[RunEvent]:
    """Return a run's events with numbers above `after`, in order."""
    statement = (
        select(EVENTS).where(EVENTS.c.run_id == run_id, EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(limit)
    )
    return [
        RunEvent(run_id=row.run_id, seq=row.seq, at=row.at, kind=row.kind, data=row.data)
        for row in conn.execute(statement)
    ]


def last_seqs(conn: Connection, run_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of the last event of each run."""
    statement = (
        select(EVENTS.c.run_id, func.max(EVENTS.c.seq))
        .where(EVENTS.c.run_id.in_(list(run_ids)))
        .group_by(EVENTS.c.run_id)
    )
    return {row[0]: row[1] for row in conn.execute(statement)}


def effects_of(conn: Connection, run_id: str, epoch: int) -> dict[int, StoredEffect]:
    """Return what the journal holds of the effects of a run, by their number."""
    statement = select(EFFECTS).where(EFFECTS.c.run_id == run_id, EFFECTS.c.epoch == epoch)
    return {row.seq: StoredEffect(**row._mapping) for row in conn.execute(statement)}


def definition(conn: Connection, revision: str) -> tuple[str, str] | None:
    """Return language and text of a definition that a run was started with."""
    row = conn.execute(
        select(DEFINITIONS.c.language, DEFINITIONS.c.text).where(DEFINITIONS.c.revision == revision)
    ).one_or_none()
    return (row.language, row.text) if row is not None else None


def load_queue(conn: Connection, limit: int) -> list[QueuedRun]:
    """Return the queued runs, best rank first."""
    statement = select(*_ENTRY).where(RUNS.c.status == "queued").order_by(RUNS.c.rank).limit(limit)
    return [
        QueuedRun(
            run_id=row.id,
            agent_id=row.agent_id,
            principal_id=row.principal_id,
            rank=row.rank,
            not_before=row.not_before,
            memory_bytes=row.memory_bytes,
            cores=row.cores,
            depth=queue_depth(row.options),
        )
        for row in conn.execute(statement)
    ]


def _lease_clock(conn: Connection, now: int) -> int:
    """Return the time that leases go by: the database's where nodes share one, so that their clocks need not agree."""
    if conn.dialect.name != "postgresql":
        return now
    return int(conn.execute(text("SELECT extract(epoch FROM clock_timestamp()) * 1000")).scalar_one())


def stray_runs(conn: Connection, *, now: int, everything: bool) -> list[RunRecord]:
    """Return the runs whose owner is gone: those with a lease that has run out, or all claimed ones where no other runtime can exist."""
    statement = select(*_ROW).where(RUNS.c.status.in_(["claimed", "running", "waiting"]), RUNS.c.owner.is_not(None))
    if not everything:
        statement = statement.where(RUNS.c.lease_until < _lease_clock(conn, now))
    return [_record(row) for row in conn.execute(statement)]


def renew(
    conn: Connection, run_ids: Sequence[str], *, owner: str, lease_ms: int, now: int
) -> list[tuple[str, dict[str, Any] | None]]:
    """Lengthen the leases of the runs that the owner still holds; return each with the cancellation that was asked for, if any."""
    answers: list[tuple[str, dict[str, Any] | None]] = []
    until = _lease_clock(conn, now) + lease_ms
    for start in range(0, len(run_ids), 500):
        mine = RUNS.c.id.in_(run_ids[start : start + 500]) & (RUNS.c.owner == owner)
        conn.execute(update(RUNS).where(mine).values(lease_until=until))
        answers += [(row.id, row.cancel) for row in conn.execute(select(RUNS.c.id, RUNS.c.cancel).where(mine))]
    return answers


def take_up(
    conn: Connection, record: RunRecord, *, values: dict[str, Any], kind: str, data: dict[str, Any], now: int
) -> bool:
    """Take a lost run from its owner, once (its fence decides); return whether this call did."""
    where = (RUNS.c.id == record.id) & (RUNS.c.fence == record.fence) & (RUNS.c.owner == record.owner)
    free = {"owner": None, "lease_until": None, "process": None, "fence": record.fence + 1}
    done = conn.execute(update(RUNS).where(where), {**free, **values}).rowcount
    if done:
        seq = last_seqs(conn, [record.id]).get(record.id, 0) + 1
        conn.execute(insert(EVENTS), [_event_row(RunEvent(run_id=record.id, seq=seq, at=now, kind=kind, data=data))])
    return bool(done)


def end_unclaimed(
    conn: Connection, run_id: str, *, values: dict[str, Any], kind: str, data: dict[str, Any], now: int
) -> bool:
    """End a run that nobody has claimed (queued, or waiting without an owner); return whether it was so."""
    free = RUNS.c.status.in_(["queued", "waiting"]) & RUNS.c.owner.is_(None)
    done = conn.execute(update(RUNS).where(RUNS.c.id == run_id, free).values(**values, fence=RUNS.c.fence + 1)).rowcount
    if done:
        seq = last_seqs(conn, [run_id]).get(run_id, 0) + 1
        conn.execute(insert(EVENTS), [_event_row(RunEvent(run_id=run_id, seq=seq, at=now, kind=kind, data=data))])
    return bool(done)


def request_cancel(conn: Connection, run_id: str, cancel: dict[str, Any]) -> None:
    """Note that a claimed run is to be stopped, for whichever node holds it."""
    conn.execute(update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status.not_in(END_STATES)).values(cancel=cancel))


def status_counts(conn: Connection) -> dict[str, int]:
    """Count the runs by their status."""
    return {row[0]: row[1] for row in conn.execute(select(RUNS.c.status, func.count()).group_by(RUNS.c.status))}


def requeue_waiting(conn: Connection, run_id: str, *, outcome: dict[str, Any], now: int) -> bool:
    """Queue a parked run again; return whether it was parked."""
    parked = (RUNS.c.id == run_id) & (RUNS.c.status == "waiting") & RUNS.c.owner.is_(None)
    done = conn.execute(update(RUNS).where(parked), {"status": "queued", "wait": None, "not_before": 0}).rowcount
    if done:
        seq = last_seqs(conn, [run_id]).get(run_id, 0) + 1
        event = RunEvent(run_id=run_id, seq=seq, at=now, kind="resumed", data={"outcome": outcome})
        conn.execute(insert(EVENTS), [_event_row(event)])
    return bool(done)


PURGE_BATCH = 500


def purge(conn: Connection, before: int) -> list[str]:
    """Delete some of the ended runs that are older, with all that belongs to them; return their ids."""
    old = select(RUNS.c.id).where(RUNS.c.completed_at < before, RUNS.c.status.in_(END_STATES)).limit(PURGE_BATCH)
    run_ids = [row.id for row in conn.execute(old)]
    if run_ids:
        for table in (EVENTS, EFFECTS, KEYS):
            conn.execute(delete(table).where(table.c.run_id.in_(run_ids)))
        conn.execute(delete(RUNS).where(RUNS.c.id.in_(run_ids)))
    conn.execute(delete(MAILBOX).where(MAILBOX.c.ended_at < before))
    return run_ids
