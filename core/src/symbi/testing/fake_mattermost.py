"""A Mattermost on loopback: `/api/v4`, incoming webhooks, the WebSocket; it sends the awkward things too."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import msgspec

from symbi.testing.chat_servers import Answer, Call, ChatServer

__all__ = ["FakeMattermost"]

_MOST = 16_383


class FakeMattermost(ChatServer):
    """Knows one bot (`ubot`) with one token; `posts` are the posts as they stand."""

    token = "mm-fake-bot-token-000"
    content_type = "application/json"
    """What the API calls its answers; a proxy may add a charset."""

    def __init__(self, *, certificate: str | None = None) -> None:
        super().__init__()
        self.certificate = certificate
        self.posts: dict[str, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self._sequence = itertools.count(2)
        self._sockets: set[asyncio.Queue[Any]] = set()

    async def respond(self, call: Call) -> Answer:
        """Answer as Mattermost does."""
        if call.path.startswith("/hooks/"):
            text = call.json().get("text", "")
            return Answer(body="ok") if text else Answer(status=400, body=_problem("no text", 400))
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(status=401, body=_problem("Invalid or expired session, please login again.", 401))
        status, body = self._api(call.method, call.path.removeprefix("/api/v4"), call)
        return Answer(status=status, body=body, content_type=self.content_type)

    def _api(self, method: str, path: str, call: Call) -> tuple[int, Any]:
        if path == "/users/me":
            return 200, {"id": "ubot", "username": "symbi"}
        if path == "/users/me/teams":
            return 200, [{"id": "t1", "display_name": "My Team"}]
        if path == "/users/ubot/teams/t1/channels":
            return 200, [{"id": "C1"}, {"id": "C2"}]
        if (method, path) == ("POST", "/channels/direct"):
            return 201, {"id": "D-" + "-".join(sorted(call.json())), "type": "D"}
        if method == "GET" and path.startswith("/channels/") and path.endswith("/posts"):
            return 200, self._since(path.split("/")[2], int(call.query.get("since", 0)))
        if (method, path) == ("POST", "/posts"):
            return self._post(call.json())
        if method == "PUT" and path.endswith("/patch"):
            return self._patch(path.split("/")[2], call.json())
        return 404, _problem("Sorry, we could not find the page.", 404)

    def _post(self, body: dict[str, Any]) -> tuple[int, Any]:
        if len(body.get("message", "")) > _MOST:
            return 400, _problem("Post message is too long.", 400)
        if not str(body.get("channel_id", "")).startswith(("C", "D")):
            return 403, _problem("You do not have the appropriate permissions.", 403)
        return 201, self.store(user_id="ubot", **body)

    def _patch(self, post_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        if post_id not in self.posts:
            return 404, _problem("Unable to get the post.", 404)
        self.posts[post_id] |= body
        return 200, self.posts[post_id]

    def _since(self, channel: str, since: int) -> dict[str, Any]:
        found = {
            key: post
            for key, post in self.posts.items()
            if post["channel_id"] == channel and post["create_at"] >= since
        }
        return {"order": list(reversed(found)), "posts": found}

    def store(
        self, *, message: str = "hello", user_id: str = "U1", channel_id: str = "C1", **more: Any
    ) -> dict[str, Any]:
        """Store a post of somebody and return it; nobody is told."""
        number = next(self._ids)
        post = {
            "id": f"post{number}", "create_at": 1_700_000_000_000 + number, "user_id": user_id, "channel_id": channel_id, "root_id": "",
            "message": message, "type": "", "props": {}, **more,
        }  # fmt: skip
        self.posts[post["id"]] = post
        return post

    def push(self, post: dict[str, Any], *, channel_type: str = "O", skip: int = 0) -> None:
        """Tell of a post over the WebSocket; `skip` leaves so many sequence numbers out, as a lost event does."""
        for _ in range(skip):
            next(self._sequence)
        mentions = msgspec.json.encode(["ubot"] if "@symbi" in post["message"] else []).decode()
        data = {
            "post": msgspec.json.encode(post).decode(),
            "channel_type": channel_type,
            "sender_name": "@ann",
            "mentions": mentions,
        }
        self._send(
            {
                "event": "posted",
                "data": data,
                "broadcast": {"channel_id": post["channel_id"]},
                "seq": next(self._sequence),
            }
        )

    def kill(self) -> None:
        """End every connection."""
        self._send(None)

    def _send(self, message: Any) -> None:
        for socket in self._sockets:
            socket.put_nowait(message)

    async def talk(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the WebSocket: the first message must be a good `authentication_challenge`."""
        await receive()
        await send({"type": "websocket.accept"})
        first = await receive()
        challenge = msgspec.json.decode(first.get("text") or "{}")
        if challenge.get("data", {}).get("token") != self.token:
            await _put(send, {"status": "FAIL", "error": _problem("Invalid or expired session", 401), "seq_reply": 1})
            await send({"type": "websocket.close", "code": 1000})
            return
        await _put(send, {"status": "OK", "seq_reply": 1})
        self._sequence = itertools.count(1)
        await _put(send, {"event": "hello", "data": {"server_version": "10.0"}, "broadcast": {}, "seq": 0})
        outgoing: asyncio.Queue[Any] = asyncio.Queue()
        self._sockets.add(outgoing)
        reading = asyncio.create_task(receive())
        try:
            while True:
                writing = asyncio.create_task(outgoing.get())
                await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
                if not writing.done() or (message := writing.result()) is None:
                    writing.cancel()
                    await send({"type": "websocket.close", "code": 1000})
                    return
                await _put(send, message)
        finally:
            self._sockets.discard(outgoing)
            reading.cancel()


def _problem(message: str, status: int) -> dict[str, Any]:
    return {"id": "api.fake.error", "message": message, "detailed_error": "", "request_id": "r1", "status_code": status}


async def _put(send: Any, message: dict[str, Any]) -> None:
    await send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})
