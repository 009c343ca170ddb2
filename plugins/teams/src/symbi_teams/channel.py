"""Opening a Teams channel: which kind it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from symbi.contracts.channels import Channel
from symbi_teams.config import TeamsConfig

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["open_teams"]


@asynccontextmanager
async def open_teams(config: TeamsConfig, context: PluginContext) -> AsyncIterator[Channel]:
    """Open a webhook or a bot."""
    import httpx

    from symbi_teams.calling import Caller

    allow_private = bool(context.settings.raw("channels").get("allow_private_hosts"))
    async with httpx.AsyncClient(timeout=config.timeout_seconds, trust_env=False, follow_redirects=False) as client:
        caller = Caller(client, allow_private=allow_private)
        if config.webhook_url is not None:
            from symbi_teams.webhook import TeamsWebhook

            yield TeamsWebhook(config, caller, context.clock)
            return
        from symbi_teams.bot import TeamsBot

        yield TeamsBot(config, caller, context.clock)
