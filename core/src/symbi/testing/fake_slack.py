"""A Slack on loopback: Web API, incoming webhooks, Socket Mode; it sends the awkward things too."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import time
from typing import Any
from urllib.parse import urlencode

import msgspec

from symbi.testing.chat_servers import Answer, Call, ChatServer

__all__ = ["FakeSlack", "slack_event", "slack_form", "slack_signature"]

_LIMITS = {"chat.postMessage": 40_000, "chat.update": 4_000, "chat.postEphemeral": 40_000}


class FakeSlack(ChatServer):
    """Knows one workspace, one bot token (`xoxb-…`) and one app token (`xapp-…`); `messages` are the posts as they stand."""

    bot_token = "xoxb-fake-bot-token-000"
    app_token = "xapp-fake-app-token-000"
    signing_secret = "fake-signing-secret"

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.acknowledged: list[str] = []
        self.link_port = 0
        """Where Socket Mode is said to be; 0 means here."""
        self._stamps = itertools.count(1)
        self._unacknowledged: dict[str, dict[str, Any]] = {}
        self._sockets: set[asyncio.Queue[Any]] = set()
        self._tickets: set[str] = set()

    async def respond(self, call: Call) -> Answer:
        """Answer as Slack does: errors of the Web API are 200 with `ok: false`."""
        if call.path.startswith("/hooks/") or call.path.startswith("/response/"):
            return self._hook(call)
        method = call.path.removeprefix("/api/")
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        if token != wanted:
            return Answer(body={"ok": False, "error": "invalid_auth" if token else "not_authed"})
        body = call.json() if "json" in call.headers.get("content-type", "") else call.form()
        return Answer(body=self._method(method, body))

    def _hook(self, call: Call) -> Answer:
        body = call.json()
        if not (body.get("text") or body.get("blocks")):
            return Answer(status=400, body="no_text")
        return Answer(body="ok")

    def _method(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        if method == "auth.test":
            return {
                "ok": True,
                "url": self.url,
                "team": "my-team",
                "team_id": "T1",
                "user": "symbi",
                "user_id": "UBOT",
                "bot_id": "BBOT",
            }
        if method == "apps.connections.open":
            ticket = f"ticket{next(self._stamps)}"
            self._tickets.add(ticket)
            return {"ok": True, "url": f"ws://127.0.0.1:{self.link_port or self.port}/link?ticket={ticket}"}
        if method == "users.conversations":
            return {
                "ok": True,
                "channels": [{"id": f"C{n}"} for n in range(3)],
                "response_metadata": {"next_cursor": ""},
            }
        if method not in _LIMITS:
            return {"ok": False, "error": "unknown_method"}
        problem = _problem(method, body)
        if problem or not str(body.get("channel", "")).startswith(("C", "D", "#")):
            return {"ok": False, "error": problem or "channel_not_found"}
        stamp = body.get("ts") or f"1700000000.{next(self._stamps):06d}"
        if method == "chat.update" and stamp not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[stamp] = body
        key = "message_ts" if method == "chat.postEphemeral" else "ts"
        return {"ok": True, "channel": body["channel"], key: stamp, "message": {"text": body.get("text", "")}}

    async def push(self, payload: dict[str, Any], *, kind: str = "events_api", envelope: str = "") -> str:
        """Send something over Socket Mode; it comes again on the next connection until it is acknowledged."""
        envelope = envelope or f"envelope-{next(self._stamps)}"
        message = {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": False}
        self._unacknowledged[envelope] = message
        for socket in self._sockets:
            socket.put_nowait(message)
        return envelope

    def disconnect(self) -> None:
        """Announce the end of every connection, as Slack does every few hours."""
        for socket in self._sockets:
            socket.put_nowait({"type": "disconnect", "reason": "refresh_requested"})

    def kill(self) -> None:
        """End every connection without a word."""
        for socket in self._sockets:
            socket.put_nowait(None)

    async def talk(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve Socket Mode."""
        await receive()
        ticket = scope["query_string"].decode().partition("ticket=")[2].partition("&")[0]
        if ticket not in self._tickets:
            await send({"type": "websocket.close", "code": 4001})
            return
        self._tickets.discard(ticket)
        await send({"type": "websocket.accept"})
        outgoing: asyncio.Queue[Any] = asyncio.Queue()
        await _put(send, {"type": "hello", "num_connections": 1, "debug_info": {}, "connection_info": {"app_id": "A1"}})
        for message in list(self._unacknowledged.values()):
            outgoing.put_nowait(message)
        self._sockets.add(outgoing)
        reading = asyncio.create_task(self._read(receive))
        try:
            while True:
                writing = asyncio.create_task(outgoing.get())
                await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    writing.cancel()
                    return
                message = writing.result()
                if message is None:
                    await send({"type": "websocket.close", "code": 1011})
                    return
                await _put(send, message)
                if message.get("type") == "disconnect":
                    await send({"type": "websocket.close", "code": 1000})
                    return
        finally:
            self._sockets.discard(outgoing)
            reading.cancel()

    async def _read(self, receive: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or ""
            if text.startswith("{"):
                envelope = msgspec.json.decode(text).get("envelope_id", "")
                self.acknowledged.append(envelope)
                self._unacknowledged.pop(envelope, None)


def _problem(method: str, body: dict[str, Any]) -> str:
    blocks = body.get("blocks") or []
    if isinstance(blocks, str):
        blocks = msgspec.json.decode(blocks)
    if not body.get("text") and not blocks:
        return "no_text"
    if len(str(body.get("text", ""))) > _LIMITS[method]:
        return "msg_too_long"
    too_long = any(
        len(block.get("text", {}).get("text", "")) > 3000 for block in blocks if block.get("type") == "section"
    )
    return "invalid_blocks" if len(blocks) > 50 or too_long else ""


async def _put(send: Any, message: dict[str, Any]) -> None:
    await send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})


def slack_signature(body: bytes, *, secret: str = FakeSlack.signing_secret, at: float | None = None) -> dict[str, str]:
    """Return the two headers with which Slack signs a request."""
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}


def slack_event(
    text: str = "hello", *, event_id: str = "Ev1", kind: str = "app_mention", **event: Any
) -> dict[str, Any]:
    """Return the body of an `event_callback`; `event` adds to or replaces fields of the inner event."""
    inner = {
        "type": kind, "user": "U1", "text": text, "ts": "1700000001.000100", "channel": "C1", "channel_type": "channel",
        "event_ts": "1700000001.000100", **event,
    }  # fmt: skip
    return {
        "token": "legacy", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": event_id, "event_time": 1700000001,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}], "event": inner,
    }  # fmt: skip


def slack_form(**fields: str) -> bytes:
    """Return the body of a slash command or of an interaction (`payload=`)."""
    return urlencode(fields).encode()
