"""A channel that is a bot: Web API out; Events API, slash commands, buttons and Socket Mode in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from symbi.contracts.channels import (
    Accept,
    ChannelHealth,
    ChannelLimits,
    ChannelRefused,
    HookReply,
    HookRequest,
    InboundMessage,
    OutboundMessage,
    SendFailed,
    Sent,
)
from symbi_slack import failures, reading, signing
from symbi_slack.formatting import to_mrkdwn
from symbi_slack.sending import MESSAGE_SIZE, body_of
from symbi_slack.socket_mode import SocketMode

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient

    from symbi.kernel.context import PluginContext
    from symbi_slack.config import SlackConfig

__all__ = ["SlackBot"]

_WORKING = b'{"response_type": "ephemeral", "text": "On it \xe2\x80\xa6"}'


class SlackBot:
    """Speaks through slack-sdk's async client."""

    def __init__(
        self, config: SlackConfig, client: AsyncWebClient, session: aiohttp.ClientSession, context: PluginContext
    ) -> None:
        self.limits = ChannelLimits(message_size=MESSAGE_SIZE, per_second=config.messages_per_second or None)
        self.default_target = config.channel
        self._config = config
        self._client = client
        self._session = session
        self._clock = context.clock
        self._socket = SocketMode(config, session, context) if config.app_token else None

    def __repr__(self) -> str:
        return "SlackBot()"

    def measure(self, text: str) -> int:
        """Return the length in Slack's markup."""
        return len(to_mrkdwn(text))

    async def send(self, message: OutboundMessage) -> Sent:
        """Post it, in its thread; what is for one person only is posted as ephemeral."""
        body = {**body_of(message), "channel": message.conversation}
        if message.thread:
            body["thread_ts"] = message.thread
        try:
            if message.only_for:
                await self._call("chat.postEphemeral", {**body, "user": message.only_for})
                return Sent(conversation=message.conversation, thread=message.thread)
            answer = await self._call("chat.postMessage", {**body, "unfurl_links": False, "unfurl_media": False})
        except SendFailed as error:
            url = str(message.reply.get("response_url") or "")
            if error.retryable or not self._is_ours(url):
                raise
            return await self._respond(url, message)
        return Sent(
            message_id=str(answer.get("ts", "")),
            conversation=str(answer.get("channel") or message.conversation),
            thread=message.thread,
        )

    async def edit(self, sent: Sent, message: OutboundMessage) -> None:
        """Replace text and buttons."""
        if not sent.message_id:
            raise SendFailed("an ephemeral message cannot be edited", retryable=False)
        body = body_of(message)
        await self._call("chat.update", {"blocks": [], **body, "channel": sent.conversation, "ts": sent.message_id})

    async def receive(self, accept: Accept) -> None:
        """Hold a Socket Mode connection where there is an app token; otherwise Slack calls us."""
        if self._socket is not None:
            await self._socket.run(accept)

    async def handle(self, request: HookRequest, accept: Accept) -> HookReply:
        """Check the signature over the raw bytes, then take events, commands and buttons."""
        secrets = [
            each.reveal() for each in (self._config.signing_secret, self._config.old_signing_secret) if each is not None
        ]
        nonce = signing.verified(request.headers, request.body, secrets=secrets, now=self._clock.now_ms() / 1000)
        if not nonce:
            return HookReply(status=401)
        if request.name == "events":
            return await self._events(request, accept, nonce)
        if request.name in ("commands", "interactions"):
            return await self._form(request, accept, nonce)
        return HookReply(status=404)

    async def health(self) -> ChannelHealth:
        """Ask who we are, and how many conversations we are in."""
        try:
            who = await self._call("auth.test", {})
        except (SendFailed, ChannelRefused) as error:
            return ChannelHealth(connected=False, reason=error.message)
        count = 0
        try:
            found = await self._call(
                "users.conversations", {"limit": 200, "types": "public_channel,private_channel,im"}
            )
            count = len(found.get("channels") or ())
        except (SendFailed, ChannelRefused):
            pass  # without the scope for it, the bot still works
        silent = self._socket is not None and not self._socket.connected
        reason = "Socket Mode is not connected" if silent else ""
        return ChannelHealth(
            connected=not silent, workspace_name=str(who.get("team", "")) or None, channels_active=count, reason=reason
        )

    async def _events(self, request: HookRequest, accept: Accept, nonce: str) -> HookReply:
        try:
            body = msgspec.json.decode(request.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return HookReply(status=400)
        if body.get("type") == "url_verification":
            challenge = body.get("challenge")
            text = challenge if isinstance(challenge, str) and len(challenge) <= 500 else ""
            return HookReply(body=text.encode(), content_type="text/plain")
        return _reply(await self._offer(reading.of_event(body, nonce=nonce), accept))

    async def _form(self, request: HookRequest, accept: Accept, nonce: str) -> HookReply:
        try:
            form = dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100))
            if request.name == "interactions":
                payload = msgspec.json.decode(form.get("payload", ""), type=dict[str, Any])
                return _reply(await self._offer(reading.of_interaction(payload, nonce=nonce), accept))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return HookReply(status=400)
        if form.get("ssl_check") == "1":
            return HookReply()
        message = reading.of_command(form, nonce=nonce)
        if message is None:
            return HookReply(status=400)
        reply = _reply(await self._offer(message, accept))
        return HookReply(body=_WORKING) if reply.status == 200 else reply

    async def _respond(self, url: str, message: OutboundMessage) -> Sent:
        """Answer a command or a button where the bot is no member: Slack gave a URL for that, good for half an hour."""
        import aiohttp
        from slack_sdk.webhook.async_client import AsyncWebhookClient

        kind = "ephemeral" if message.only_for else "in_channel"
        client = AsyncWebhookClient(url, session=self._session, retry_handlers=[])
        try:
            answer = await client.send_dict({**body_of(message), "response_type": kind, "replace_original": False})
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise failures.of_network(error) from None
        if answer.status_code != 200:
            raise failures.of_status(answer.status_code, answer.headers, now=self._clock.now_ms() / 1000)
        return Sent(conversation=message.conversation)

    def _is_ours(self, url: str) -> bool:
        """Tell whether a response URL is Slack's, or of where the settings say that Slack is."""
        parts = urlsplit(url)
        base = urlsplit(self._config.api_base_url)
        return (parts.scheme, parts.netloc) in (("https", "hooks.slack.com"), (base.scheme, base.netloc))

    async def _offer(self, message: InboundMessage | None, accept: Accept) -> str:
        return "ignored" if message is None else await accept(message)

    async def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            answer = await self._client.api_call(method, json=body)
        except SlackApiError as error:
            raise failures.of_api(error, now=self._clock.now_ms() / 1000) from None
        except (aiohttp.ClientError, SlackClientError, OSError, TimeoutError) as error:
            raise failures.of_network(error) from None
        data = answer.data
        return data if isinstance(data, dict) else {}


def _reply(result: str) -> HookReply:
    return HookReply(status=409 if result == "replayed" else 200)
