"""A channel that only sends: one incoming webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from symbi_slack import failures
from symbi_slack.formatting import to_mrkdwn
from symbi_slack.sending import MESSAGE_SIZE, body_of

if TYPE_CHECKING:
    from slack_sdk.webhook.async_client import AsyncWebhookClient

    from symbi.kernel.clock import Clock
    from symbi_slack.config import SlackConfig

__all__ = ["SlackWebhook"]


class SlackWebhook:
    """Sends through slack-sdk's webhook client, which does not raise for a bad status: it is looked at here."""

    def __init__(self, config: SlackConfig, client: AsyncWebhookClient, clock: Clock) -> None:
        self.limits = ChannelLimits(message_size=MESSAGE_SIZE, per_second=config.messages_per_second or None)
        self.default_target = config.channel or "webhook"
        self._client = client
        self._clock = clock
        self._failure = ""

    def __repr__(self) -> str:
        return "SlackWebhook()"

    def measure(self, text: str) -> int:
        """Return the length in Slack's markup."""
        return len(to_mrkdwn(text))

    async def send(self, message: OutboundMessage) -> Sent:
        """Post it; buttons are left out, since nobody could hear them pressed."""
        import aiohttp

        body = body_of(message)
        try:
            answer = await self._client.send(text=body["text"])
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._failure = type(error).__name__
            raise failures.of_network(error) from None
        if answer.status_code != 200:
            self._failure = f"Slack answered {answer.status_code}"
            raise failures.of_status(answer.status_code, answer.headers, now=self._clock.now_ms() / 1000)
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
