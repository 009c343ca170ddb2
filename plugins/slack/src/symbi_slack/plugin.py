"""What this plugin offers: the channel platform `slack`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.channels import ChannelPlatform


@hookimpl
def channel_platforms() -> Iterable[ChannelPlatform]:
    """Offer Slack."""
    from symbi.contracts.channels import ChannelPlatform

    yield ChannelPlatform(
        name="slack",
        config="symbi_slack.config:SlackConfig",
        open="symbi_slack.channel:open_slack",
        table="channels",
        summary="Slack: incoming webhook, or bot with Events API or Socket Mode.",
    )
