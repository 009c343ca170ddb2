"""The WebSocket, by our own loop: mattermostdriver's builds a server's TLS context, retries refused tokens for ever and misses lost events."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.channels import Accept, ChannelRefused, SendFailed
from symbi.contracts.errors import SymbiError
from symbi_mattermost.reading import Me, of_post

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_mattermost.config import MattermostConfig
    from symbi_mattermost.rest import Rest

__all__ = ["Listener"]

_log = logging.getLogger("symbi.mattermost")
_MOST = 4 * 1024 * 1024
_ROOMS = 1000
_OVERLAP_MS = 60_000


class Listener:
    """Hears posts; after a gap it asks the API for what was said meanwhile, and the service tells what it knows already."""

    def __init__(self, config: MattermostConfig, rest: Rest, context: PluginContext) -> None:
        self._config = config
        self._rest = rest
        self._context = context
        self._rooms: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self.connected = False
        self.reconnects = 0

    async def run(self, accept: Accept) -> None:
        """Receive until cancelled; raises `ChannelRefused` for a token that the server refuses."""
        pause = 0.2
        while True:
            began = self._context.clock.monotonic()
            try:
                await self._once(accept)
            except ChannelRefused:
                raise
            except Exception as error:
                text = error.message if isinstance(error, SymbiError) else type(error).__name__
                _log.warning("Mattermost: connection lost: %s", text)
            finally:
                self.connected = False
            self.reconnects += 1
            if self._context.clock.monotonic() - began > 60:
                pause = 0.2
            await self._context.clock.sleep(pause * (0.75 + 0.5 * self._context.random.random()))
            pause = min(pause * 2, 30.0)

    async def _once(self, accept: Accept) -> None:
        from websockets.asyncio.client import connect

        found = await self._rest.call(lambda driver: driver.users.get_user("me"))
        me = Me(id=str(found.get("id", "")), username=str(found.get("username", "")))
        scheme = "wss" if self._rest.secure else "ws"
        literal = f"[{self._rest.host}]" if ":" in self._rest.host else self._rest.host
        url = f"{scheme}://{literal}:{self._rest.port}{self._rest.base}/websocket"
        silence = self._config.socket_silence_seconds
        connection = connect(
            url, host=await self._rest.address(), port=self._rest.port, ssl=self._tls(), proxy=None, max_size=_MOST,
            open_timeout=self._config.timeout_seconds, ping_interval=silence / 2, ping_timeout=silence / 2, close_timeout=1,
        )  # fmt: skip
        async with connection as socket:
            await self._log_in(socket)
            self.connected = True
            await self._catch_up(me, accept)
            expected = 0
            async for raw in socket:
                event = msgspec.json.decode(raw, type=dict[str, Any])
                sequence = event.get("seq")
                if isinstance(sequence, int) and "event" in event:
                    if sequence > expected:
                        _log.warning("Mattermost: %d events were lost", sequence - expected)
                        await self._catch_up(me, accept)
                    expected = sequence + 1
                if event.get("event") == "posted":
                    await self._posted(event, me, accept)

    async def _log_in(self, socket: Any) -> None:
        assert self._config.bot_token is not None
        token = self._config.bot_token.reveal()
        challenge = {"seq": 1, "action": "authentication_challenge", "data": {"token": token}}
        await socket.send(msgspec.json.encode(challenge).decode())
        async with asyncio.timeout(self._config.timeout_seconds):
            while True:
                answer = msgspec.json.decode(await socket.recv(), type=dict[str, Any])
                if answer.get("status") == "OK":
                    return
                if answer.get("status") == "FAIL":
                    raise ChannelRefused("Mattermost refuses the token of the bot", hint="make a new token")
                if "event" in answer:
                    raise SendFailed("Mattermost sent an event before it took the token", retryable=True)

    async def _posted(self, event: dict[str, Any], me: Me, accept: Accept) -> None:
        data = event.get("data")
        if not isinstance(data, dict):
            return
        try:
            post = msgspec.json.decode(str(data.get("post", "")), type=dict[str, Any])
        except msgspec.MsgspecError:
            return
        await self._offer(
            post, me, accept, kind=str(data.get("channel_type", "")), sender=str(data.get("sender_name", ""))
        )

    async def _catch_up(self, me: Me, accept: Accept) -> None:
        """Fetch what was posted in known conversations since a minute before the last post that came."""
        for room, (last, kind) in list(self._rooms.items()):
            try:
                found = await self._posts_since(room, max(last - _OVERLAP_MS, 0))
            except SendFailed as error:
                if error.retryable:
                    raise
                continue
            posts = found.get("posts") or {}
            for ident in reversed(found.get("order") or []):
                if isinstance(posts.get(ident), dict):
                    await self._offer(posts[ident], me, accept, kind=kind)

    async def _posts_since(self, room: str, since: int) -> Any:
        return await self._rest.call(lambda driver: driver.posts.get_posts_for_channel(room, params={"since": since}))

    async def _offer(self, post: dict[str, Any], me: Me, accept: Accept, *, kind: str, sender: str = "") -> None:
        created, room = post.get("create_at"), post.get("channel_id")
        if post.get("delete_at"):
            return
        if isinstance(created, int) and isinstance(room, str):
            self._rooms[room] = (max(created, self._rooms.get(room, (0, ""))[0]), kind)
            self._rooms.move_to_end(room)
            if len(self._rooms) > _ROOMS:
                self._rooms.popitem(last=False)
        message = of_post(post, me=me, channel_type=kind, sender=sender)
        if message is not None:
            await accept(message)

    def _tls(self) -> ssl.SSLContext | None:
        """Return a client's TLS context (the driver makes a server's, which no handshake survives)."""
        if not self._rest.secure:
            return None
        return ssl.create_default_context(cafile=str(self._config.ca_file) if self._config.ca_file else None)
