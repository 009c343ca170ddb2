"""What this plugin offers: the channel platform `teams`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.channels import ChannelPlatform


@hookimpl
def channel_platforms() -> Iterable[ChannelPlatform]:
    """Offer Microsoft Teams."""
    from symbi.contracts.channels import ChannelPlatform

    yield ChannelPlatform(
        name="teams",
        config="symbi_teams.config:TeamsConfig",
        open="symbi_teams.channel:open_teams",
        table="channels",
        summary="Microsoft Teams: Workflows or connector webhook, or bot.",
    )
