"""Socket Mode: one connection that is given up when it falls silent, and made anew with a fresh address each time.

slack-sdk's own loop has been seen to stay dead after a killed connection (its issues 1446, 1462, 1701), so the loop is ours;
the calls are slack-sdk's.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from symbi.contracts.channels import Accept, ChannelRefused, InboundMessage, SendFailed
from symbi.contracts.errors import SymbiError
from symbi_slack import failures, reading
from symbi_slack.session import check_literal

if TYPE_CHECKING:
    import aiohttp

    from symbi.kernel.context import PluginContext
    from symbi_slack.config import SlackConfig

__all__ = ["SocketMode"]

_log = logging.getLogger("symbi.slack")
_MOST = 1024 * 1024


class SocketMode:
    """Receives over a WebSocket; an envelope is acknowledged once its message is stored."""

    def __init__(self, config: SlackConfig, session: aiohttp.ClientSession, context: PluginContext) -> None:
        self._config = config
        self._session = session
        self._context = context
        self._allow_private = bool(context.settings.raw("channels").get("allow_private_hosts"))
        self.connected = False
        self.reconnects = 0

    async def run(self, accept: Accept) -> None:
        """Receive until cancelled; raises `ChannelRefused` where Slack refuses the app token."""
        pause = 0.2
        while True:
            began = self._context.clock.monotonic()
            try:
                await self._once(accept)
            except ChannelRefused:
                raise
            except Exception as error:
                _log.warning("Socket Mode: connection lost: %s", _short(error))
            finally:
                self.connected = False
            self.reconnects += 1
            if self._context.clock.monotonic() - began > 60:
                pause = 0.2
            await self._context.clock.sleep(pause * (0.75 + 0.5 * self._context.random.random()))
            pause = min(pause * 2, 30.0)

    async def _once(self, accept: Accept) -> None:
        import aiohttp

        url = await self._address()
        silence = self._config.socket_silence_seconds
        async with self._session.ws_connect(url, heartbeat=silence, max_msg_size=_MOST, autoping=True) as connection:
            while True:
                received = await connection.receive(timeout=None if self.connected else silence)
                if received.type is not aiohttp.WSMsgType.TEXT:
                    return
                message = msgspec.json.decode(received.data, type=dict[str, Any])
                if message.get("type") == "hello":
                    self.connected = True
                elif message.get("type") == "disconnect":
                    return
                elif isinstance(message.get("envelope_id"), str):
                    await self._take(message, accept)
                    await connection.send_str(msgspec.json.encode({"envelope_id": message["envelope_id"]}).decode())

    async def _take(self, envelope: dict[str, Any], accept: Accept) -> None:
        """Store what an envelope brings; one that cannot be read is acknowledged, or it would come for ever."""
        payload = envelope.get("payload")
        found = _message(str(envelope.get("type", "")), payload if isinstance(payload, dict) else {})
        if found is not None:
            await accept(found)

    async def _address(self) -> str:
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackClientError
        from slack_sdk.web.async_client import AsyncWebClient

        assert self._config.app_token is not None
        client = AsyncWebClient(
            token=self._config.app_token.reveal(), base_url=self._config.api_base_url, session=self._session, retry_handlers=[]
        )  # fmt: skip
        try:
            answer = await client.api_call("apps.connections.open")
        except SlackApiError as error:
            raise failures.of_api(error, now=self._context.clock.now_ms() / 1000) from None
        except (aiohttp.ClientError, SlackClientError, OSError, TimeoutError) as error:
            raise failures.of_network(error) from None
        url = str(answer.get("url") or "")
        parts = urlsplit(url)
        if parts.scheme not in ("wss", "ws") or (parts.scheme == "ws" and not self._allow_private):
            raise SendFailed("Slack named an address that is no wss:// URL", retryable=True)
        await check_literal(parts.hostname or "", allow_private=self._allow_private)
        return url


def _message(kind: str, payload: dict[str, Any]) -> InboundMessage | None:
    if kind == "events_api":
        return reading.of_event(payload)
    if kind == "slash_commands":
        return reading.of_command({name: value for name, value in payload.items() if isinstance(value, str)})
    if kind == "interactive":
        return reading.of_interaction(payload)
    return None


def _short(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "nothing was heard"
    return error.message if isinstance(error, SymbiError) else type(error).__name__
