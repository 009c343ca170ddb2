"""Slack keeps the contract of channel platforms, as a webhook and as a bot, against a server on loopback."""

from __future__ import annotations

import pytest

import symbi_slack.plugin
from symbi.testing.channels import ChannelPlatformContract
from symbi.testing.chat_servers import closed_port
from symbi.testing.fake_slack import FakeSlack


@pytest.fixture
async def slack():
    async with FakeSlack() as server:
        yield server


class TestWebhook(ChannelPlatformContract):
    plugin = symbi_slack.plugin
    platform = "slack"
    secrets = ("B0SECRET",)

    @pytest.fixture
    def channel_config(self, slack):
        return {"webhook_url": f"{slack.url}/hooks/T0/B0SECRET", "channel": "#general", "messages_per_second": 0}

    @pytest.fixture
    def dead_config(self):
        return {"webhook_url": f"http://127.0.0.1:{closed_port()}/hooks/T0/B0SECRET"}


class TestBot(ChannelPlatformContract):
    plugin = symbi_slack.plugin
    platform = "slack"
    secrets = (FakeSlack.bot_token, FakeSlack.app_token, FakeSlack.signing_secret)

    def config(self, url):
        return {
            "bot_token": FakeSlack.bot_token,
            "app_token": FakeSlack.app_token,
            "signing_secret": FakeSlack.signing_secret,
            "api_base_url": f"{url}/api/",
        }

    @pytest.fixture
    def channel_config(self, slack):
        config = self.config(slack.url)
        return {name: value for name, value in config.items() if name != "app_token"}

    @pytest.fixture
    def dead_config(self):
        return self.config(f"http://127.0.0.1:{closed_port()}")
