"""The outbox: what is to be delivered is written in the transaction that ends the run, so that no result is lost (R-DELIV)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Exists, Row, bindparam, exists, func, insert, select, update

from symbi.contracts.delivery import Delivery, DeliveryOutcome, DeliverySpec
from symbi_scheduler.fire_ids import fire_id
from symbi_scheduler.tables import OUTBOX
from symbi_scheduler.timekeeper import Timekeeper

if TYPE_CHECKING:
    from symbi_scheduler.settling import Outcome

__all__ = ["MAX_PAYLOAD", "Parcel", "claim_parcels", "enqueue", "next_parcel", "receipts", "record_outcome"]

MAX_PAYLOAD = 1024 * 1024
_O = OUTBOX.c
_LEASE = 120_000


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery that this node is to try now."""

    id: str
    fire_id: str
    position: int
    spec: DeliverySpec
    delivery: Delivery
    fail_fast: bool


def enqueue(conn: Connection, fire: Row[Any], outcome: Outcome, status: str) -> int:
    """Write one row for each target of the schedule that wants this outcome; return how many."""
    wanted = [(place, spec) for place, spec in enumerate(fire.s_delivery) if _wants(spec, status)]
    if not wanted:
        return 0
    run_id = outcome.run_id or fire.run_id or fire.id
    for place, spec in wanted:
        delivery = Delivery(
            idempotency_key=f"{run_id}:{place}", run_id=run_id, agent=fire.s_agent, status=status, result=outcome.result, error=outcome.error,
            schedule_id=fire.schedule_id, schedule=fire.s_name, scheduled_for=fire.scheduled_for, started_at=outcome.started_at or fire.started_at,
            completed_at=outcome.at,
        )  # fmt: skip
        payload = msgspec.json.encode(delivery)
        if len(payload) > MAX_PAYLOAD:
            cut = {"truncated": True, "bytes": len(payload), "read": f"/api/v1/runs/{run_id}"}
            payload = msgspec.json.encode(msgspec.structs.replace(delivery, result=cut))
        conn.execute(
            insert(OUTBOX).values(
                id=fire_id(fire.id, place, "parcel"), fire_id=fire.id, position=place, spec=spec, payload=payload.decode(), state="pending",
                fail_fast=fire.s_fail_fast, attempts=0, next_try=outcome.at, error="", reference="",
            )
        )  # fmt: skip
    return len(wanted)


def _wants(spec: DeliverySpec, status: str) -> bool:
    return spec.when == "always" or (spec.when == "completed") == (status == "completed")


def claim_parcels(conn: Connection, keeper: Timekeeper, most: int) -> list[Parcel]:
    """Take up to `most` parcels whose time has come; targets of one run go in order, a later one waits for the earlier."""
    now = keeper.read(conn)
    free = (_O.lease_until.is_(None)) | (_O.lease_until < now)
    query = (
        select(OUTBOX)
        .where(_O.state == "pending", _O.next_try <= now, free, ~_stands_behind())
        .order_by(_O.next_try)
        .limit(most)
    )
    rows = conn.execute(query.with_for_update(skip_locked=True, of=OUTBOX)).all()
    if rows:
        take = (
            update(OUTBOX).where(_O.id == bindparam("b_id")).values(lease_until=now + _LEASE, attempts=_O.attempts + 1)
        )
        conn.execute(take, [{"b_id": row.id} for row in rows])
    return [
        Parcel(
            id=row.id, fire_id=row.fire_id, position=row.position, spec=row.spec, fail_fast=row.fail_fast,
            delivery=msgspec.structs.replace(msgspec.json.decode(row.payload, type=Delivery), attempt=row.attempts + 1),
        )
        for row in rows
    ]  # fmt: skip


def _stands_behind() -> Exists:
    earlier = OUTBOX.alias()
    return exists().where(
        earlier.c.fire_id == _O.fire_id, earlier.c.position < _O.position, earlier.c.state == "pending"
    )


def record_outcome(
    conn: Connection, parcel: Parcel, outcome: DeliveryOutcome, *, now: int, again_at: int | None
) -> None:
    """Store the receipt; `again_at` is the next try, None makes this the last word. With `fail_fast` a failure ends the later ones too."""
    state = "delivered" if outcome.delivered else "pending" if again_at is not None else "failed"
    conn.execute(
        update(OUTBOX)
        .where(_O.id == parcel.id, _O.state == "pending")
        .values(
            state=state, next_try=again_at or now, lease_until=None, status_code=outcome.status_code, error=outcome.error[:1000],
            reference=outcome.reference[:1000], delivered_at=now if outcome.delivered else None,
        )
    )  # fmt: skip
    if state == "failed" and parcel.fail_fast:
        later = (_O.fire_id == parcel.fire_id) & (_O.position > parcel.position) & (_O.state == "pending")
        conn.execute(
            update(OUTBOX).where(later).values(state="failed", error="an earlier target failed and fail_fast is set")
        )


def next_parcel(conn: Connection) -> int | None:
    """When the next delivery is due, milliseconds UTC; a leased one when its lease ends."""
    due = func.min(func.coalesce(_O.lease_until, _O.next_try))
    found = conn.execute(select(due).where(_O.state == "pending", ~_stands_behind())).scalar()
    return None if found is None else int(found)


def receipts(conn: Connection, fire_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Receipts by fire, in order of the targets; secrets of a target's configuration are not in them."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = (
        conn.execute(select(OUTBOX).where(_O.fire_id.in_(fire_ids)).order_by(_O.fire_id, _O.position)).all()
        if fire_ids
        else []
    )
    for row in rows:
        found.setdefault(row.fire_id, []).append({
            "target": row.spec.target, "state": row.state, "attempts": row.attempts, "delivered_at": row.delivered_at,
            "status_code": row.status_code, "error": row.error or None, "reference": row.reference or None,
        })  # fmt: skip
    return found
