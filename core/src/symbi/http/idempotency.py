"""`Idempotency-Key`: the same request twice happens once, across restarts (F-35).

The first request claims the key, and keeps its claim alive while it runs; its answer is stored before it is sent. The same key again gets
that answer; with another body 422; while the first one runs 409. A claim whose holder died lapses after `CLAIM_SECONDS`. An error frees
the key, since nothing was started, so that trying again can succeed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from symbi.contracts.errors import Conflict, IdempotencyMismatch, InvalidRequest, Unavailable
from symbi.http.asgi import App, Receive, Scope, Send

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from symbi.contracts.principal import Principal
    from symbi.http.kernel_view import KernelView
    from symbi.store import Store

__all__ = ["Idempotency", "SavedAnswer"]

_log = logging.getLogger("symbi.http.idempotency")
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
CLAIM_SECONDS = 60
KEPT_HEADERS = frozenset({b"content-type", b"location", b"etag"})
PURGE_EVERY_MS = 600_000


class SavedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a key: claimed now, being worked on, reused for another request, or answered."""

    outcome: Literal["claimed", "busy", "mismatch", "answered"]
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""


class Idempotency:
    """Runs requests under their keys; the records are in the store of the kernel."""

    def __init__(self, kernel: KernelView, *, keep_hours: float) -> None:
        self._kernel = kernel
        self._keep_ms = int(keep_hours * 3_600_000)
        self._purged_at = 0

    async def run(self, key: bytes, principal: Principal, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for the first request of a key, or send the answer that it got."""
        if not _KEY.fullmatch(key):
            raise InvalidRequest(
                "Idempotency-Key must be 1 to 255 visible ASCII characters",
                details={"field": "Idempotency-Key", "reason": "format"},
            )
        body = await _read(receive)
        slot = _digest(principal.id, scope["method"], scope["path"], key)
        claim = secrets.token_hex(16)
        found = await self._claim(slot, _digest(scope["query_string"], body), claim)
        if found.outcome == "mismatch":
            raise IdempotencyMismatch("This Idempotency-Key was used with another request.")
        if found.outcome == "busy":
            raise Conflict(
                "The first request with this Idempotency-Key is still running.", code="IDEMPOTENCY_IN_PROGRESS"
            )
        if found.outcome == "answered":
            await _replay(found, send)
            return
        await self._first(slot, claim, app, scope, _Again(body, receive), send)

    async def _first(self, slot: str, claim: str, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        held = _Held()
        renewing = asyncio.ensure_future(self._renew(slot, claim))
        try:
            await app(scope, receive, held)
        finally:
            renewing.cancel()
            if 0 < held.status < 400:
                await asyncio.shield(self._store.write(_save, slot, claim, held.answer()))
            else:
                await asyncio.shield(self._store.write(_free, slot, claim))
        await held.release(send)

    async def _claim(self, slot: str, request: str, claim: str) -> SavedAnswer:
        now = self._kernel.clock.now_ms()
        if now - self._purged_at > PURGE_EVERY_MS:
            self._purged_at = now
            await self._store.write(_purge, now)
        return await self._store.write(_take, slot, request, claim, now, now + self._keep_ms)

    async def _renew(self, slot: str, claim: str) -> None:
        while True:
            await self._kernel.clock.sleep(CLAIM_SECONDS / 3)
            try:
                await self._store.write(_extend, slot, claim, self._kernel.clock.now_ms())
            except Exception:
                _log.warning("a claim of an Idempotency-Key could not be renewed", exc_info=True)

    @property
    def _store(self) -> Store:
        store = self._kernel.store
        if store is None:
            raise Unavailable("Idempotency-Key needs the record store, which is not open.")
        return store


class _Held:
    """Keeps an answer back until it is stored."""

    def __init__(self) -> None:
        self.status = 0
        self._messages: list[Any] = []

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self._messages.append(message)

    def answer(self) -> SavedAnswer:
        start = self._messages[0]
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"] if name in KEPT_HEADERS}
        return SavedAnswer(
            outcome="answered",
            status=self.status,
            headers=headers,
            body=b"".join(each.get("body", b"") for each in self._messages[1:]),
        )

    async def release(self, send: Send) -> None:
        for message in self._messages:
            await send(message)


class _Again:
    """A `receive` that gives the body, which was read already, once more."""

    def __init__(self, body: bytes, rest: Receive) -> None:
        self._body: bytes | None = body
        self._rest = rest

    async def __call__(self) -> Any:
        if self._body is None:
            return await self._rest()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message: Mapping[str, Any] = await receive()
        if message["type"] != "http.request":
            raise InvalidRequest("The client went away before its request was complete.")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _replay(found: SavedAnswer, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in found.headers.items()]
    headers += [(b"content-length", str(len(found.body)).encode()), (b"idempotency-replayed", b"true")]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": found.body, "more_body": False})


def _digest(*parts: str | bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def _take(conn: Connection, slot: str, request: str, claim: str, now: int, expires_at: int) -> SavedAnswer:
    from symbi.http.tables import ANSWERS as answers
    from symbi.store import insert_ignore

    fresh = {
        "request": request,
        "claim": claim,
        "claimed_until": now + CLAIM_SECONDS * 1000,
        "expires_at": expires_at,
        "status": None,
        "headers": None,
        "body": None,
    }
    if insert_ignore(conn, answers, {"slot": slot, **fresh}):
        return SavedAnswer(outcome="claimed")
    row = conn.execute(answers.select().where(answers.c.slot == slot)).one()
    if row.expires_at <= now or (row.status is None and row.claimed_until <= now and row.request == request):
        conn.execute(answers.update().where(answers.c.slot == slot), fresh)
        return SavedAnswer(outcome="claimed")
    if row.request != request:
        return SavedAnswer(outcome="mismatch")
    if row.status is None:
        return SavedAnswer(outcome="busy")
    return SavedAnswer(outcome="answered", status=row.status, headers=row.headers or {}, body=row.body or b"")


def _save(conn: Connection, slot: str, claim: str, answer: SavedAnswer) -> None:
    from symbi.http.tables import ANSWERS as answers

    mine = (answers.c.slot == slot) & (answers.c.claim == claim)
    conn.execute(
        answers.update().where(mine), {"status": answer.status, "headers": answer.headers, "body": answer.body}
    )


def _free(conn: Connection, slot: str, claim: str) -> None:
    from symbi.http.tables import ANSWERS as answers

    conn.execute(answers.delete().where((answers.c.slot == slot) & (answers.c.claim == claim)))


def _extend(conn: Connection, slot: str, claim: str, now: int) -> None:
    from symbi.http.tables import ANSWERS as answers

    mine = (answers.c.slot == slot) & (answers.c.claim == claim)
    conn.execute(answers.update().where(mine), {"claimed_until": now + CLAIM_SECONDS * 1000})


def _purge(conn: Connection, now: int) -> None:
    from symbi.http.tables import ANSWERS as answers

    conn.execute(answers.delete().where(answers.c.expires_at <= now))
