"""What all channels of this runtime share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from symbi.contracts.channels import ChannelRefused
from symbi_channels.config import ChannelsConfig
from symbi_channels.trail import Trail

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_channels.runner import Runner

__all__ = ["Hub"]


class Hub:
    """The settings, the audit trail, the runners by channel id, and how a runner tells that its platform refuses it."""

    def __init__(
        self, config: ChannelsConfig, context: PluginContext, *, refuse: Callable[[Runner, ChannelRefused], None]
    ) -> None:
        self.config = config
        self.context = context
        self.trail = Trail(context)
        self.refuse = refuse
        self.runners: dict[str, Runner] = {}
        self.node = context.ids.uuid()
        self.alone = context.store.dialect == "sqlite"
        """A SQLite store is held by one process: nobody else can change it, and nothing needs to be polled."""

    @property
    def poll_seconds(self) -> float | None:
        """Return how often to look for what others wrote, None where there are no others."""
        return None if self.alone else self.config.poll_seconds

    @property
    def sweep_seconds(self) -> float:
        """Return how often to look for ended runs: events of other runtimes do not come here."""
        return self.config.sweep_seconds if self.alone else min(2.0, self.config.sweep_seconds)
