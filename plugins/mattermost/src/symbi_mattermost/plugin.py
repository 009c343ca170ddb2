"""What this plugin offers: the channel platform `mattermost`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.channels import ChannelPlatform


@hookimpl
def channel_platforms() -> Iterable[ChannelPlatform]:
    """Offer Mattermost."""
    from symbi.contracts.channels import ChannelPlatform

    yield ChannelPlatform(
        name="mattermost",
        config="symbi_mattermost.config:MattermostConfig",
        open="symbi_mattermost.channel:open_mattermost",
        table="channels",
        summary="Mattermost: incoming webhook, or bot with WebSocket, webhooks and slash commands.",
    )
