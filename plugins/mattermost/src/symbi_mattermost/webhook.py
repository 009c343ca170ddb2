"""A channel that only sends: one incoming webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbi.contracts.channels import (
    Accept,
    ChannelHealth,
    ChannelLimits,
    HookReply,
    HookRequest,
    OutboundMessage,
    SendFailed,
    Sent,
)
from symbi.contracts.errors import SymbiError
from symbi.http.outbound import pin
from symbi_mattermost.rest import SETTING, failure_of
from symbi_mattermost.text import MESSAGE_SIZE, to_mattermost

if TYPE_CHECKING:
    import httpx

    from symbi_mattermost.config import MattermostConfig

__all__ = ["MattermostWebhook"]


class MattermostWebhook:
    """Posts to the hook's address, which is checked each time."""

    def __init__(self, config: MattermostConfig, client: httpx.AsyncClient, *, allow_private: bool) -> None:
        self.limits = ChannelLimits(message_size=MESSAGE_SIZE, per_second=config.messages_per_second or None)
        self.default_target = config.channel or "webhook"
        self._config = config
        self._client = client
        self._allow_private = allow_private
        self._failure = ""

    def __repr__(self) -> str:
        return "MattermostWebhook()"

    def measure(self, text: str) -> int:
        """Return the length in characters."""
        return len(to_mattermost(text))

    async def send(self, message: OutboundMessage) -> Sent:
        """Post it; a conversation that was named overrides the hook's own channel."""
        body: dict[str, Any] = {"text": to_mattermost(message.text)}
        if message.conversation != "webhook":
            body["channel"] = message.conversation
        try:
            await self._post(body)
        except SendFailed as error:
            self._failure = error.message
            raise
        self._failure = ""
        return Sent(conversation=message.conversation)

    async def edit(self, sent: Sent, message: OutboundMessage) -> None:
        """Webhooks tell no id, so nothing can be edited."""
        raise SendFailed("messages of an incoming webhook cannot be edited", retryable=False)

    async def receive(self, accept: Accept) -> None:
        """Nothing comes in."""

    async def handle(self, request: HookRequest, accept: Accept) -> HookReply:
        """Nothing is taken."""
        return HookReply(status=404)

    async def health(self) -> ChannelHealth:
        """A webhook cannot be probed without posting: it is connected while its last delivery did not fail (decisions)."""
        return ChannelHealth(connected=not self._failure, channels_active=1, reason=self._failure)

    async def _post(self, body: dict[str, Any]) -> None:
        import httpx

        assert self._config.webhook_url is not None
        try:
            url, options = await pin(
                httpx.URL(self._config.webhook_url.reveal()), allow_private=self._allow_private, setting=SETTING
            )
            answer = await self._client.post(url, json=body, **options)
        except (httpx.HTTPError, OSError) as error:
            raise SendFailed(f"Mattermost was not reached: {type(error).__name__}", retryable=True) from None
        except SymbiError as error:
            raise SendFailed(error.message, retryable=error.error_code != "ADDRESS_FORBIDDEN") from None
        if answer.status_code != 200:
            failure = failure_of(answer.status_code, answer.headers, "")
            raise failure if isinstance(failure, SendFailed) else SendFailed(failure.message, retryable=False)
