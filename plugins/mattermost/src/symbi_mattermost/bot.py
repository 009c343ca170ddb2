"""A channel that is a bot: REST out; WebSocket, outgoing webhooks, slash commands and buttons in."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from symbi.contracts.channels import (
    Accept,
    Button,
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
from symbi.contracts.secret import Secret
from symbi_mattermost import reading
from symbi_mattermost.rest import Rest
from symbi_mattermost.text import MESSAGE_SIZE, to_mattermost
from symbi_mattermost.websocket import Listener

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_mattermost.config import MattermostConfig

__all__ = ["MattermostBot"]

_STYLES = {"primary": "primary", "danger": "danger", "": "default"}


class MattermostBot:
    """Speaks through mattermostdriver's endpoints."""

    def __init__(self, config: MattermostConfig, rest: Rest, context: PluginContext) -> None:
        self.limits = ChannelLimits(message_size=MESSAGE_SIZE, per_second=config.messages_per_second or None)
        self.default_target = config.channel
        self._config = config
        self._rest = rest
        self._listener = Listener(config, rest, context)
        assert config.bot_token is not None
        self._key = config.bot_token

    def __repr__(self) -> str:
        return "MattermostBot()"

    def measure(self, text: str) -> int:
        """Return the length in characters."""
        return len(to_mattermost(text))

    async def send(self, message: OutboundMessage) -> Sent:
        """Post it, in its thread; what is for one person only goes to a direct channel."""
        conversation, thread = message.conversation, message.thread
        if message.only_for:
            conversation, thread = await self._direct(message.only_for), ""
        post = {"channel_id": conversation, "root_id": thread, **self._body(message)}
        made = await self._rest.call(lambda driver: driver.posts.create_post(post))
        return Sent(message_id=str(made.get("id", "")), conversation=conversation, thread=thread)

    async def edit(self, sent: Sent, message: OutboundMessage) -> None:
        """Replace text and buttons."""
        if not sent.message_id:
            raise SendFailed("a message without an id cannot be edited", retryable=False)
        await self._rest.call(lambda driver: driver.posts.patch_post(sent.message_id, self._body(message)))

    async def receive(self, accept: Accept) -> None:
        """Listen over the WebSocket, unless that is off."""
        if self._config.websocket:
            await self._listener.run(accept)

    async def handle(self, request: HookRequest, accept: Accept) -> HookReply:
        """Take outgoing webhooks (form or JSON), slash commands and buttons; each proves itself by its token or seal."""
        try:
            if request.name == "actions":
                return await self._action(request, accept)
            if request.name not in ("webhook", "commands"):
                return HookReply(status=404)
            facts = _facts(request)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return HookReply(status=400)
        tokens = self._config.webhook_tokens if request.name == "webhook" else self._config.command_tokens
        if not _known(facts.get("token", "") or _header_token(request), tokens):
            return HookReply(status=401)
        message = reading.of_webhook(facts) if request.name == "webhook" else reading.of_command(facts)
        if message is None:
            return HookReply(status=400)
        await accept(message)
        text = {"response_type": "ephemeral", "text": "On it …"} if request.name == "commands" else {}
        return HookReply(body=msgspec.json.encode(text))

    async def health(self) -> ChannelHealth:
        """Ask who we are, and which channels of the first team we are in."""
        try:
            me = await self._rest.call(lambda driver: driver.users.get_user("me"))
            teams = await self._rest.call(lambda driver: driver.teams.get_user_teams("me"))
            team = teams[0] if teams else {}
            rooms = (
                await self._rest.call(lambda driver: driver.channels.get_channels_for_user(me["id"], team["id"]))
                if team
                else []
            )
        except (SendFailed, ChannelRefused) as error:
            return ChannelHealth(connected=False, reason=error.message)
        name = str(team.get("display_name") or "") or self._rest.host
        silent = self._config.websocket and not self._listener.connected and self._listener.reconnects > 0
        reason = "the WebSocket is not connected" if silent else ""
        return ChannelHealth(connected=not silent, workspace_name=name, channels_active=len(rooms), reason=reason)

    async def _action(self, request: HookRequest, accept: Accept) -> HookReply:
        body = msgspec.json.decode(request.body, type=dict[str, Any])
        message: InboundMessage | None = reading.of_action(body, key=self._key.reveal())
        if message is None:
            return HookReply(status=401)
        await accept(message)
        return HookReply(body=b"{}")

    def _body(self, message: OutboundMessage) -> dict[str, Any]:
        attachments: list[dict[str, Any]] = []
        if message.buttons and self._config.callback_url:
            actions = [self._button(index, button) for index, button in enumerate(message.buttons)]
            attachments = [{"fallback": "buttons", "actions": actions}]
        return {"message": to_mattermost(message.text), "props": {"attachments": attachments}}

    def _button(self, index: int, button: Button) -> dict[str, Any]:
        context = {"value": button.value, "seal": reading.seal(button.value, key=self._key.reveal())}
        integration = {"url": self._config.callback_url, "context": context}
        return {"id": f"symbi{index}", "name": button.label, "style": _STYLES[button.style], "integration": integration}

    async def _direct(self, user: str) -> str:
        me = await self._rest.call(lambda driver: driver.users.get_user("me"))
        room = await self._rest.call(lambda driver: driver.channels.create_direct_message_channel([me["id"], user]))
        return str(room["id"])


def _facts(request: HookRequest) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        body = msgspec.json.decode(request.body, type=dict[str, Any])
        return {name: value for name, value in body.items() if isinstance(value, str)}
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100))


def _header_token(request: HookRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "token" else ""


def _known(token: str, tokens: Iterable[Secret]) -> bool:
    """Tell whether a token is one of ours; every one is compared, so that time tells nothing."""
    given = token.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(given, each.reveal().encode()) for each in tokens) and bool(token)
