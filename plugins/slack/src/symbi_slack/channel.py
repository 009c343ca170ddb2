"""Opening a Slack channel: which kind it is, its session, its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from symbi.contracts.channels import Channel
from symbi_slack.config import SlackConfig
from symbi_slack.session import check_literal, guarded_session

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["open_slack"]


@asynccontextmanager
async def open_slack(config: SlackConfig, context: PluginContext) -> AsyncIterator[Channel]:
    """Open a webhook or a bot; raises `Forbidden` for an address that may not be reached."""
    allow_private = bool(context.settings.raw("channels").get("allow_private_hosts"))
    url = config.webhook_url.reveal() if config.webhook_url else config.api_base_url
    await check_literal(urlsplit(url).hostname or "", allow_private=allow_private)
    async with guarded_session(allow_private=allow_private, timeout=config.timeout_seconds) as session:
        if config.webhook_url is not None:
            from slack_sdk.webhook.async_client import AsyncWebhookClient

            from symbi_slack.webhook import SlackWebhook

            hook = AsyncWebhookClient(url, session=session, retry_handlers=[], timeout=_whole(config))
            yield SlackWebhook(config, hook, context.clock)
            return
        from slack_sdk.web.async_client import AsyncWebClient

        from symbi_slack.bot import SlackBot

        assert config.bot_token is not None
        client = AsyncWebClient(
            token=config.bot_token.reveal(), base_url=config.api_base_url, session=session, retry_handlers=[], timeout=_whole(config)
        )  # fmt: skip
        yield SlackBot(config, client, session, context)


def _whole(config: SlackConfig) -> int:
    return max(round(config.timeout_seconds), 1)
