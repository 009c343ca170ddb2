"""Signed webhooks: HMAC-SHA-256 over time stamp and body, at least once, with an id to tell repeats by."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select, update

from symbi_review.config import Webhook
from symbi_review.tables import EVENTS

if TYPE_CHECKING:
    from symbi_review.service import ReviewService

__all__ = ["deliver_due", "sign_delivery"]

_MOST_TRIES = 12
_BATCH = 50


def sign_delivery(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of `timestamp.body`."""
    return "sha256=" + hmac.digest(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hex()


async def deliver_due(service: ReviewService) -> None:
    """Send the events that are due; a failure is tried again later, twelve times at most, in growing distances."""
    hooks = service.config.webhooks
    if not hooks:
        return
    now = service.now()
    due = await service.store.read(
        lambda c: (
            c.execute(
                select(EVENTS)
                .where(EVENTS.c.delivered.is_(False) & (EVENTS.c.next_try_at <= now) & (EVENTS.c.tries < _MOST_TRIES))
                .order_by(EVENTS.c.seq)
                .limit(_BATCH)
            )
            .mappings()
            .all()
        )
    )
    if not due:
        return
    import httpx

    async with httpx.AsyncClient(timeout=10, follow_redirects=False, trust_env=False) as client:
        for event in due:
            good = [
                await _send(client, hook, event, now)
                for hook in hooks
                if not hook.events or event["type"] in hook.events
            ]
            await service.store.write(_note, event["seq"], all(good), event["tries"] + 1, now)


def _note(conn: Any, seq: int, delivered: bool, tries: int, now: int) -> None:
    conn.execute(
        update(EVENTS)
        .where(EVENTS.c.seq == seq)
        .values(delivered=delivered, tries=tries, next_try_at=now + 1000 * 2**tries)
    )


async def _send(client: Any, hook: Webhook, event: Any, now: int) -> bool:
    import httpx

    body = msgspec.json.encode({"id": event["event_id"], **event["body"]})
    stamp = str(now // 1000)
    headers = {
        "Content-Type": "application/json",
        "X-Symbi-Event": event["type"],
        "X-Symbi-Delivery": event["event_id"],
        "X-Symbi-Timestamp": stamp,
        "X-Symbi-Signature": sign_delivery(hook.secret.reveal(), stamp, body),
    }
    try:
        answer = await client.post(hook.url, content=body, headers=headers)
    except httpx.HTTPError:
        return False
    return bool(200 <= answer.status_code < 300)
