"""Opening a Mattermost channel: which kind it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from symbi.contracts.channels import Channel
from symbi_mattermost.config import MattermostConfig

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["open_mattermost"]


@asynccontextmanager
async def open_mattermost(config: MattermostConfig, context: PluginContext) -> AsyncIterator[Channel]:
    """Open a webhook or a bot."""
    allow_private = bool(context.settings.raw("channels").get("allow_private_hosts"))
    if config.webhook_url is not None:
        import ssl

        import httpx

        from symbi_mattermost.webhook import MattermostWebhook

        verify = ssl.create_default_context(cafile=str(config.ca_file)) if config.ca_file else True
        async with httpx.AsyncClient(
            timeout=config.timeout_seconds, trust_env=False, follow_redirects=False, verify=verify
        ) as client:
            yield MattermostWebhook(config, client, allow_private=allow_private)
        return
    from symbi_mattermost.bot import MattermostBot
    from symbi_mattermost.rest import Rest

    rest = Rest(config, allow_private=allow_private)
    try:
        yield MattermostBot(config, rest, context)
    finally:
        rest.close()
