"""Teams keeps the contract of channel platforms, and what channels.md §2 and §4.9 ask beyond it, against a server on loopback."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

import symbi_teams.plugin
from symbi.contracts.channels import Button, ChannelRefused, HookRequest, OutboundMessage, SendFailed
from symbi.contracts.errors import ConfigError
from symbi.contracts.secret import Secret
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi.testing.channels import ChannelPlatformContract, Inbox
from symbi.testing.chat_servers import closed_port
from symbi.testing.fake_teams import FakeTeams, teams_activity
from symbi.testing.kernels import open_kernel
from symbi_teams.cards import adaptive_card
from symbi_teams.config import TeamsConfig


@pytest.fixture
async def server():
    async with FakeTeams() as opened:
        yield opened


def bot(url, **more):
    return {
        "app_id": FakeTeams.app_id, "app_password": FakeTeams.app_password, "service_url": url, "service_hosts": ["127.0.0.1"], "login_base_url": url,
        "openid_url": f"{url}/openid", "messages_per_second": 0, **more,
    }  # fmt: skip


class TestWorkflow(ChannelPlatformContract):
    plugin = symbi_teams.plugin
    platform = "teams"
    secrets = ("flowsecret",)

    @pytest.fixture
    def channel_config(self, server):
        return {"webhook_url": f"{server.url}/workflow/flowsecret", "messages_per_second": 0}

    @pytest.fixture
    def dead_config(self):
        return {"webhook_url": f"http://127.0.0.1:{closed_port()}/workflow/flowsecret"}


class TestConnector(ChannelPlatformContract):
    plugin = symbi_teams.plugin
    platform = "teams"
    secrets = ("connectorsecret",)

    @pytest.fixture
    def channel_config(self, server):
        return {
            "webhook_url": f"{server.url}/connector/connectorsecret",
            "card_format": "message",
            "messages_per_second": 0,
        }

    @pytest.fixture
    def dead_config(self):
        return {"webhook_url": f"http://127.0.0.1:{closed_port()}/connector/connectorsecret", "card_format": "message"}


class TestBot(ChannelPlatformContract):
    plugin = symbi_teams.plugin
    platform = "teams"
    target = "19:room@thread.tacv2"
    secrets = (FakeTeams.app_password,)

    @pytest.fixture
    def channel_config(self, server):
        return bot(server.url)

    @pytest.fixture
    def dead_config(self):
        return bot(f"http://127.0.0.1:{closed_port()}")


@asynccontextmanager
async def opened(folder, config, *, private=True):
    tables = {"channels": {"allow_private_hosts": private}}
    async with (
        open_kernel(folder, [symbi_teams.plugin], tables=tables) as kernel,
        kernel.open(CHANNEL_PLATFORMS, "teams", config) as channel,
    ):
        yield channel


async def bring(channel, inbox, server, body=None, **claims):
    headers = {"authorization": f"Bearer {server.sign(**claims)}"}
    return await channel.handle(
        HookRequest(name="messages", headers=headers, body=body or teams_activity(service_url=server.url)), inbox
    )


@pytest.mark.parametrize("host", ["x.webhook.office.com", "outlook.office.com"])
def test_connectors_get_message_cards(host):
    assert TeamsConfig(webhook_url=Secret(f"https://{host}/x")).wants_message_card()


@pytest.mark.parametrize(
    "host",
    ["prod-1.logic.azure.com", "x.api.powerplatform.com", "make.powerautomate.com", "webhook.office.com.evil.example"],
)
def test_flows_get_adaptive_cards(host):
    assert not TeamsConfig(webhook_url=Secret(f"https://{host}/x")).wants_message_card()


@pytest.mark.parametrize(("fault", "retryable", "after"), [
    ({"status": 200, "body": "Microsoft Teams endpoint returned HTTP error 429 with ContextId x", "headers": {"Retry-After": "4"}}, True, 4.0),
    ({"status": 200, "body": "Microsoft Teams endpoint returned HTTP error 413"}, False, None),
    ({"status": 200, "body": "Webhook message delivery failed"}, False, None),
    ({"status": 429, "headers": {"Retry-After": "2"}}, True, 2.0),
    ({"status": 400, "body": "Bad payload"}, False, None),
    ({"status": 503}, True, None),
])  # fmt: skip
async def test_a_connectors_error_text_is_a_failure(server, tmp_path, fault, retryable, after):
    async with opened(tmp_path, {"webhook_url": f"{server.url}/connector/x", "card_format": "message"}) as channel:
        server.fail("/connector/", **fault)
        with pytest.raises(SendFailed) as failure:
            await channel.send(OutboundMessage(conversation="webhook", text="x"))
        assert (failure.value.retryable, failure.value.retry_after) == (retryable, after)
        assert not (await channel.health()).connected


async def test_a_flow_that_gets_a_message_card_fails(server, tmp_path):
    async with opened(tmp_path, {"webhook_url": f"{server.url}/workflow/x", "card_format": "message"}) as channel:
        with pytest.raises(SendFailed) as failure:
            await channel.send(OutboundMessage(conversation="webhook", text="x"))
        assert not failure.value.retryable


async def test_pymsteams_itself_works_with_the_server(server):
    import pymsteams

    card = pymsteams.connectorcard(f"{server.url}/workflow/x")
    card.payload = {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": {}}],
    }
    assert await asyncio.to_thread(card.send)


async def test_a_mention_is_heard_and_answered_in_its_thread_and_edited(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url, service_url="")) as channel:
        assert (await bring(channel, inbox, server)).status == 200
        (message,) = inbox.messages
        assert (message.text, message.addressed, message.direct, message.sender_id, message.thread) == (
            "hello",
            True,
            False,
            "29:ann",
            "root1",
        )
        assert message.conversation == "19:room@thread.tacv2"
        assert message.sent_at == 1772552520123
        sent = await channel.send(
            OutboundMessage(
                conversation=message.conversation, text="**hi**", thread=message.thread, reply=message.reply
            )
        )
        activity = server.activities[sent.message_id]
        assert activity["conversation_id"] == "19:room@thread.tacv2;messageid=root1"
        assert activity["attachments"][0]["content"]["body"][0]["text"] == "**hi**"
        await channel.edit(sent, OutboundMessage(conversation=message.conversation, text="changed"))
        assert server.activities[sent.message_id]["attachments"][0]["content"]["body"][0]["text"] == "changed"
        private = await channel.send(
            OutboundMessage(conversation=message.conversation, text="psst", only_for="29:ann", reply=message.reply)
        )
        assert server.activities[private.message_id]["conversation_id"] == "direct-29:ann"


async def test_a_pressed_button_and_what_is_ignored(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        pressed = teams_activity(
            "", service_url=server.url, ident="a2", value={"symbi": "approval:approve:0123456789abcdef"}
        )
        assert (await bring(channel, inbox, server, pressed)).status == 200
        for number, change in enumerate(
            [
                {"type": "conversationUpdate"},
                {"from": {"id": "28:bot"}},
                {"from": {"id": "29:x", "role": "bot"}},
                {"from": 7},
            ]
        ):
            body = teams_activity(service_url=server.url, ident=f"b{number}", **change)
            assert (await bring(channel, inbox, server, body)).status == 200
    (message,) = inbox.messages
    assert (message.kind, message.action) == ("action", "approval:approve:0123456789abcdef")


@pytest.mark.parametrize("claims", [
    {"aud": "another-bot"},
    {"aud": None},
    {"iss": "https://sts.windows.net/x"},
    {"exp": int(time.time()) - 3600},
    {"exp": None},
    {"nbf": int(time.time()) + 3600},
    {"serviceurl": "https://evil.example/"},
    {"serviceurl": None},
    {"key_id": "unknown"},
    {"algorithm": "none"},
    {"algorithm": "HS256"},
])  # fmt: skip
async def test_a_token_that_is_not_the_bot_frameworks_is_401(server, tmp_path, claims):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        assert (await bring(channel, inbox, server, **claims)).status == 401
    assert inbox.offered == []


async def test_a_token_of_another_key_with_a_known_name_is_401(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        await bring(channel, inbox, server)
        server.rotate("key1")
        assert (await bring(channel, inbox, server, teams_activity(service_url=server.url, ident="a2"))).status == 401


async def test_an_activity_that_names_another_host_is_401_and_gets_no_token(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        body = teams_activity(service_url="https://evil.example/")
        assert (await bring(channel, inbox, server, body, serviceurl="https://evil.example/")).status == 401
        with pytest.raises(SendFailed, match="service_hosts"):
            await channel.send(
                OutboundMessage(conversation="x", text="x", reply={"service_url": "https://evil.example/"})
            )
    assert inbox.offered == []


async def test_keys_are_fetched_once_and_once_more_for_an_unknown_one(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        for number in range(100):
            await bring(channel, inbox, server, teams_activity(service_url=server.url, ident=f"n{number}"))
        assert len(server.calls_to("/keys")) == 1
        server.rotate("key2")
        assert (await bring(channel, inbox, server, teams_activity(service_url=server.url, ident="new"))).status == 200
        for number in range(10):
            await bring(
                channel,
                inbox,
                server,
                teams_activity(service_url=server.url, ident=f"u{number}"),
                key_id=f"unknown{number}",
            )
        assert len(server.calls_to("/keys")) == 2
    assert len(inbox.messages) == 101


async def test_a_scheme_in_any_case_is_read(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        headers = {"authorization": f"bearer {server.sign()}"}
        assert (
            await channel.handle(
                HookRequest(name="messages", headers=headers, body=teams_activity(service_url=server.url)), inbox
            )
        ).status == 200


async def test_while_the_keys_cannot_be_fetched_teams_is_asked_to_come_again(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, bot(server.url)) as channel:
        server.fail("/openid", status=500)
        assert (await bring(channel, inbox, server)).status == 503
        assert (await bring(channel, inbox, server)).status == 200


async def test_an_old_access_token_is_replaced_and_a_refused_secret_is_a_refusal(server, tmp_path):
    async with opened(tmp_path, bot(server.url)) as channel:
        server.fail("/activities", status=401)
        await channel.send(OutboundMessage(conversation="19:x", text="x"))
        assert len(server.calls_to("/token")) == 2
    async with opened(tmp_path / "b", bot(server.url, app_password="wrong-password")) as channel:
        with pytest.raises(ChannelRefused, match="app_password"):
            await channel.send(OutboundMessage(conversation="19:x", text="x"))


async def test_private_addresses_are_not_reached(server, tmp_path):
    async with opened(tmp_path, {"webhook_url": f"{server.url}/workflow/x"}, private=False) as channel:
        with pytest.raises(SendFailed, match="public"):
            await channel.send(OutboundMessage(conversation="webhook", text="x"))
    assert server.calls == []


def test_a_card_shows_code_as_code_and_lines_as_lines():
    card = adaptive_card(
        "# Title\none\ntwo\n```python\nx = 1\n```\nend", (Button(label="Go", value="v", style="danger"),)
    )
    assert [(block["text"], block.get("fontType")) for block in card["body"]] == [
        ("**Title**\n\none\n\ntwo", None),
        ("x = 1", "Monospace"),
        ("end", None),
    ]
    assert card["actions"][0]["data"] == {"symbi": "v"}


@pytest.mark.parametrize(("config", "word"), [
    ({}, "webhook_url"),
    ({"app_password": "x"}, "app_id"),
    ({"webhook_url": "https://x/y", "card_format": "html"}, "card_format"),
    ({"webhook_url": "x"}, "webhook_url"),
])  # fmt: skip
async def test_wrong_settings_name_the_field(tmp_path, config, word):
    with pytest.raises(ConfigError, match=word):
        async with opened(tmp_path, config):
            pass
