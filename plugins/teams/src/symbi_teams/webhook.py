"""A channel that only sends: a Workflows webhook, or through pymsteams a connector."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
from symbi.http.outbound import allowed_address
from symbi_teams import failures
from symbi_teams.calling import SETTING, Caller
from symbi_teams.cards import MESSAGE_BYTES, flow_body, measure

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi_teams.config import TeamsConfig

__all__ = ["TeamsWebhook"]


class TeamsWebhook:
    """Posts cards of the kind that the other side takes."""

    default_target = "webhook"

    def __init__(self, config: TeamsConfig, caller: Caller, clock: Clock) -> None:
        self.limits = ChannelLimits(message_size=MESSAGE_BYTES, per_second=config.messages_per_second or None)
        self._config = config
        self._caller = caller
        self._clock = clock
        self._failure = ""

    def __repr__(self) -> str:
        return "TeamsWebhook()"

    def measure(self, text: str) -> int:
        """Return the size of the card in bytes; pymsteams escapes what is not ASCII."""
        return len(json.dumps(text)) if self._config.wants_message_card() else measure(text)

    async def send(self, message: OutboundMessage) -> Sent:
        """Post it; buttons are left out, since nobody could hear them pressed."""
        try:
            if self._config.wants_message_card():
                await self._connector(message.text)
            else:
                await self._flow(message.text)
        except SendFailed as error:
            self._failure = error.message
            raise
        self._failure = ""
        return Sent(conversation=message.conversation)

    async def edit(self, sent: Sent, message: OutboundMessage) -> None:
        """Webhooks tell no id, so nothing can be edited."""
        raise SendFailed("messages of a webhook cannot be edited", retryable=False)

    async def receive(self, accept: Accept) -> None:
        """Nothing comes in."""

    async def handle(self, request: HookRequest, accept: Accept) -> HookReply:
        """Nothing is taken."""
        return HookReply(status=404)

    async def health(self) -> ChannelHealth:
        """A webhook cannot be probed without posting: it is connected while its last delivery did not fail (decisions)."""
        return ChannelHealth(connected=not self._failure, channels_active=1, reason=self._failure)

    async def _flow(self, text: str) -> None:
        assert self._config.webhook_url is not None
        answer = await self._caller.request("POST", self._config.webhook_url.reveal(), json=flow_body(text))
        if not 200 <= answer.status_code < 300:
            raise failures.of_status(answer.status_code, answer.headers, now=self._now())

    async def _connector(self, text: str) -> None:
        """Send a MessageCard by pymsteams, which blocks: in a thread, its address checked before.

        It takes 200 with an error text for success, so the body is looked at here.
        """
        assert self._config.webhook_url is not None
        parts = urlsplit(self._config.webhook_url.reveal())
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            await allowed_address(parts.hostname or "", port, allow_private=self._caller.allow_private, setting=SETTING)
        except SymbiError as error:
            raise SendFailed(error.message, retryable=error.error_code == "UNAVAILABLE") from None
        answer, failed = await asyncio.to_thread(self._by_pymsteams, text)
        if failed and answer is None:
            raise SendFailed(f"Teams was not reached: {failed}", retryable=True)
        headers = dict(answer.headers)
        if failed or not 200 <= answer.status_code < 300:
            raise failures.of_status(answer.status_code, headers, now=self._now())
        problem = failures.of_text(answer.text, headers=headers, now=self._now())
        if problem is not None:
            raise problem

    def _by_pymsteams(self, text: str) -> tuple[Any, str]:
        import pymsteams  # type: ignore[import-untyped]  # no types are shipped
        import requests

        assert self._config.webhook_url is not None
        card = pymsteams.connectorcard(self._config.webhook_url.reveal(), http_timeout=self._config.timeout_seconds)
        card.payload.update({"@type": "MessageCard", "@context": "https://schema.org/extensions"})
        card.text(text)
        card.summary(text[:100])
        try:
            card.send()
        except pymsteams.TeamsWebhookException as error:
            return card.last_http_response, type(error).__name__
        except requests.RequestException as error:
            return None, type(error).__name__
        return card.last_http_response, ""

    def _now(self) -> float:
        return self._clock.now_ms() / 1000
