"""Channels as places where the results of schedules go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from symbi.contracts.channels import ChannelService
from symbi.contracts.delivery import Delivery, DeliveryOutcome
from symbi.contracts.errors import CapacityExceeded, Conflict, SymbiError, Unavailable
from symbi.contracts.principal import Principal

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["ChannelTarget", "ChannelTargetConfig", "open_target"]

_SYSTEM = Principal(id="system:delivery", kind="system", display_name="delivery of results")
_MOST = 20_000


class ChannelTargetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a `DeliverySpec` with target `channel` says."""

    channel: str
    """The channel's id or name."""
    target: str = ""
    """The conversation; empty means the one of the channel's configuration."""
    thread_id: str = ""


class ChannelTarget:
    """Implements `Target`: a delivery counts as done once it is durable in the channel's outbox, which sends it in order."""

    def __init__(self, config: ChannelTargetConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """Put the result into the outbox once; a channel that does not run now may be tried again."""
        try:
            sent = await self._context.services.get(ChannelService).post(
                self._config.channel,
                _text(delivery),
                principal=_SYSTEM,
                target=self._config.target,
                thread=self._config.thread_id,
                key=delivery.idempotency_key,
                wait_seconds=0,
            )
        except SymbiError as error:
            again = isinstance(error, Conflict | CapacityExceeded | Unavailable)
            return DeliveryOutcome(delivered=False, error=error.message, retryable=again)
        return DeliveryOutcome(delivered=True, reference=sent.message_id)


def _text(delivery: Delivery) -> str:
    name = delivery.schedule or delivery.agent
    if delivery.status != "completed":
        return f"**{name}** {delivery.status}: {(delivery.error or {}).get('message', 'no reason was given')} (run {delivery.run_id})"
    result = delivery.result
    if not isinstance(result, str):
        result = "```json\n" + msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n```"
    return f"**{name}**\n{result[:_MOST]}"


@asynccontextmanager
async def open_target(config: ChannelTargetConfig, context: PluginContext) -> AsyncIterator[ChannelTarget]:
    """Open a place in a channel."""
    yield ChannelTarget(config, context)
