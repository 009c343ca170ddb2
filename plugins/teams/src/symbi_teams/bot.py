"""A channel that is a bot of the Bot Framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from symbi.contracts.channels import (
    Accept,
    ChannelHealth,
    ChannelLimits,
    ChannelRefused,
    HookReply,
    HookRequest,
    OutboundMessage,
    SendFailed,
    Sent,
)
from symbi_teams import failures
from symbi_teams.cards import ADAPTIVE, MESSAGE_BYTES, adaptive_card, measure
from symbi_teams.reading import of_activity
from symbi_teams.tokens import Keys, OwnToken

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi_teams.calling import Caller
    from symbi_teams.config import TeamsConfig

__all__ = ["TeamsBot"]


class TeamsBot:
    """Hears activities with a good token, and answers at the service URL that the token names."""

    def __init__(self, config: TeamsConfig, caller: Caller, clock: Clock) -> None:
        self.limits = ChannelLimits(message_size=MESSAGE_BYTES, per_second=config.messages_per_second or None)
        self.default_target = config.channel
        self._config = config
        self._caller = caller
        self._clock = clock
        self._keys = Keys(config, caller, clock)
        self._token = OwnToken(config, caller, clock)
        self._service_url = config.service_url
        self._rooms: set[str] = set()

    def __repr__(self) -> str:
        return "TeamsBot()"

    def measure(self, text: str) -> int:
        """Return the size of the card in bytes."""
        return measure(text)

    async def send(self, message: OutboundMessage) -> Sent:
        """Post it, in its thread; what is for one person only goes to a conversation with that person alone."""
        base = self._base(message.reply)
        conversation, thread = message.conversation, message.thread
        if message.only_for:
            conversation, thread = await self._direct(base, message), ""
        place = f"{conversation};messageid={thread}" if thread and conversation.startswith("19:") else conversation
        answer = await self._call(
            "POST", f"{base}/v3/conversations/{quote(place, safe='')}/activities", _activity(message)
        )
        return Sent(message_id=str(answer.get("id", "")), conversation=f"{base}|{place}", thread=thread)

    async def edit(self, sent: Sent, message: OutboundMessage) -> None:
        """Replace the card, buttons included."""
        base, _, place = sent.conversation.partition("|")
        if not sent.message_id or not place:
            raise SendFailed("a message without an id cannot be edited", retryable=False)
        url = f"{self._allowed(base)}/v3/conversations/{quote(place, safe='')}/activities/{quote(sent.message_id, safe='')}"
        await self._call("PUT", url, _activity(message))

    async def receive(self, accept: Accept) -> None:
        """Teams calls us."""

    async def handle(self, request: HookRequest, accept: Accept) -> HookReply:
        """Check the token, bound to the activity's service URL, then take the activity."""
        if request.name != "messages":
            return HookReply(status=404)
        header = request.headers.get("authorization", "")
        if not header:
            return HookReply(status=401)
        try:
            body = msgspec.json.decode(request.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return HookReply(status=400)
        service_url = body.get("serviceUrl")
        if not isinstance(service_url, str) or not self._is_known(service_url):
            return HookReply(status=401)
        try:
            if not await self._keys.verified(header, service_url):
                return HookReply(status=401)
        except SendFailed:
            return HookReply(status=503)
        self._service_url = service_url
        message = of_activity(body)
        if message is not None:
            await accept(message)
            if len(self._rooms) < 10_000:
                self._rooms.add(message.conversation)
        return HookReply(body=b"{}")

    async def health(self) -> ChannelHealth:
        """Ask for a token; more cannot be probed without posting."""
        try:
            await self._token.header()
        except (SendFailed, ChannelRefused) as error:
            return ChannelHealth(connected=False, reason=error.message)
        return ChannelHealth(connected=True, workspace_name=self._config.tenant_id, channels_active=len(self._rooms))

    async def _direct(self, base: str, message: OutboundMessage) -> str:
        body = {
            "bot": {"id": message.reply.get("bot") or f"28:{self._config.app_id}"},
            "members": [{"id": message.only_for}],
            "tenantId": message.reply.get("tenant", ""),
            "channelData": {"tenant": {"id": message.reply.get("tenant", "")}},
            "isGroup": False,
        }
        answer = await self._call("POST", f"{base}/v3/conversations", body)
        return str(answer.get("id", ""))

    async def _call(self, method: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send with the bot's token, and once more with a fresh one where it is not taken."""
        for attempt in (1, 2):
            answer = await self._caller.request(method, url, json=body, headers=await self._token.header())
            if answer.status_code != 401 or attempt == 2:
                break
            self._token.forget()
        if not 200 <= answer.status_code < 300:
            raise failures.of_status(
                answer.status_code, answer.headers, now=self._clock.now_ms() / 1000, word=_word(answer)
            )
        found = answer.json() if answer.content else {}
        return found if isinstance(found, dict) else {}

    def _base(self, reply: dict[str, Any]) -> str:
        url = str(reply.get("service_url") or self._service_url)
        if not url:
            raise SendFailed("no service URL is known yet: set service_url, or write to the bot once", retryable=False)
        return self._allowed(url)

    def _allowed(self, url: str) -> str:
        """Return the base of a service URL; raises `SendFailed` for a host that must not get the bot's token."""
        if not self._is_known(url):
            raise SendFailed("the service URL is not at one of service_hosts", retryable=False)
        return url.rstrip("/")

    def _is_known(self, url: str) -> bool:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and self._caller.allow_private)
        return secure and not parts.username and (parts.hostname or "") in self._config.service_hosts


def _activity(message: OutboundMessage) -> dict[str, Any]:
    attachment = {"contentType": ADAPTIVE, "content": adaptive_card(message.text, message.buttons)}
    return {"type": "message", "attachments": [attachment], "summary": message.text[:100]}


def _word(answer: Any) -> str:
    try:
        found = answer.json()
    except ValueError:
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return str(error.get("code", ""))[:60] if isinstance(error, dict) else ""
