"""Mattermost keeps the contract of channel platforms, and what channels.md §2 and §4.8 ask beyond it, against a server on loopback."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlencode

import pytest

import symbi_mattermost.plugin
from symbi.contracts.channels import Button, ChannelRefused, HookRequest, OutboundMessage, SendFailed
from symbi.contracts.errors import ConfigError
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi.testing.channels import ChannelPlatformContract, Inbox
from symbi.testing.chat_servers import closed_port
from symbi.testing.fake_mattermost import FakeMattermost
from symbi.testing.kernels import open_kernel
from symbi_mattermost.reading import seal


@pytest.fixture
async def server():
    async with FakeMattermost() as opened:
        yield opened


class TestWebhook(ChannelPlatformContract):
    plugin = symbi_mattermost.plugin
    platform = "mattermost"
    secrets = ("hooksecret",)

    @pytest.fixture
    def channel_config(self, server):
        return {"webhook_url": f"{server.url}/hooks/hooksecret", "channel": "town-square", "messages_per_second": 0}

    @pytest.fixture
    def dead_config(self):
        return {"webhook_url": f"http://127.0.0.1:{closed_port()}/hooks/hooksecret"}


class TestBot(ChannelPlatformContract):
    plugin = symbi_mattermost.plugin
    platform = "mattermost"
    secrets = (FakeMattermost.token,)

    @pytest.fixture
    def channel_config(self, server):
        return {"server_url": server.url, "bot_token": FakeMattermost.token}

    @pytest.fixture
    def dead_config(self):
        return {"server_url": f"http://127.0.0.1:{closed_port()}", "bot_token": FakeMattermost.token}


@asynccontextmanager
async def opened(folder, server, *, private=True, **config):
    given = {"server_url": server.url, "bot_token": server.token, "socket_silence_seconds": 1, **config}
    tables = {"channels": {"allow_private_hosts": private}}
    async with (
        open_kernel(folder, [symbi_mattermost.plugin], tables=tables) as kernel,
        kernel.open(CHANNEL_PLATFORMS, "mattermost", given) as channel,
    ):
        yield channel


@asynccontextmanager
async def listening(folder, server, **config):
    inbox = Inbox()
    async with opened(folder, server, **config) as channel:
        task = asyncio.create_task(channel.receive(inbox))
        try:
            async with asyncio.timeout(5):
                while not server._sockets:
                    await asyncio.sleep(0.01)
            yield channel, inbox
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_threads_edits_direct_messages_and_buttons(server, tmp_path):
    async with opened(
        tmp_path, server, callback_url="https://symbi.example/api/v1/channels/x/hooks/actions"
    ) as channel:
        button = Button(label="Approve", value="approval:approve:x", style="primary")
        sent = await channel.send(
            OutboundMessage(conversation="C1", text="Sure, @channel?", thread="post9", buttons=(button,))
        )
        post = server.posts[sent.message_id]
        assert (post["root_id"], post["message"]) == ("post9", "Sure, @\u200bchannel?")
        assert post["props"]["attachments"][0]["actions"][0]["integration"]["context"]["value"] == "approval:approve:x"
        await channel.edit(sent, OutboundMessage(conversation="C1", text="Approved"))
        assert (server.posts[sent.message_id]["message"], server.posts[sent.message_id]["props"]) == (
            "Approved",
            {"attachments": []},
        )
        private = await channel.send(OutboundMessage(conversation="C1", text="psst", only_for="U1"))
        assert private.conversation == "D-U1-ubot"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
async def test_health_reads_answers_whatever_exactly_their_type_is_called(server, tmp_path, kind):
    server.content_type = kind
    async with opened(tmp_path, server) as channel:
        found = await channel.health()
        assert (found.connected, found.workspace_name, found.channels_active) == (True, "My Team", 2)


@pytest.mark.parametrize(("fault", "retryable", "after"), [
    ({"status": 429, "headers": {"Retry-After": "7"}}, True, 7.0),
    ({"status": 429, "headers": {"X-RateLimit-Reset": "3"}}, True, 3.0),
    ({"status": 429}, True, None),
    ({"status": 502, "body": "<html>"}, True, None),
    ({"status": 501}, False, None),
    ({"status": 403, "body": ["odd"]}, False, None),
    ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/steal"}}, False, None),
])  # fmt: skip
async def test_failures_say_whether_to_try_again(server, tmp_path, fault, retryable, after):
    async with opened(tmp_path, server) as channel:
        server.fail("/posts", **fault)
        with pytest.raises(SendFailed) as failure:
            await channel.send(OutboundMessage(conversation="C1", text="x"))
        assert (failure.value.retryable, failure.value.retry_after) == (retryable, after)


async def test_refused_tokens_are_refusals_and_end_the_loop(server, tmp_path):
    async with opened(tmp_path, server, bot_token="wrong-token") as channel:
        with pytest.raises(ChannelRefused):
            await channel.send(OutboundMessage(conversation="C1", text="x"))
        with pytest.raises(ChannelRefused):
            await asyncio.wait_for(channel.receive(Inbox()), 5)


async def test_posts_arrive_once_and_bots_are_not_heard(server, tmp_path):
    async with listening(tmp_path, server) as (channel, inbox):
        post = server.store(message="@symbi do it", root_id="post0")
        for _ in range(3):
            server.push(post)
        server.push(server.store(user_id="ubot"))
        server.push(server.store(props={"from_webhook": "true"}))
        server.push(server.store(props={"from_bot": "true"}))
        server.push(server.store(type="system_join_channel"))
        server.push(server.store(message="hi", channel_id="D1"), channel_type="D")
        first, second = await inbox.wait(2)
        assert (first.text, first.addressed, first.thread, first.sender_name, first.message_id) == (
            "do it",
            True,
            "post0",
            "ann",
            "post1",
        )
        assert (second.direct, second.addressed) == (True, False)
        assert len(inbox.messages) == 2
        assert (await channel.health()).connected


async def test_what_was_said_while_away_is_fetched(server, tmp_path):
    async with listening(tmp_path, server) as (_, inbox):
        server.push(server.store(message="one"))
        await inbox.wait(1)
        server.store(message="missed")
        server.kill()
        await inbox.wait(2)
        server.push(server.store(message="three"))
        assert [each.text for each in await inbox.wait(3)] == ["one", "missed", "three"]


async def test_a_lost_event_is_noticed_by_its_number(server, tmp_path):
    async with listening(tmp_path, server) as (_, inbox):
        server.push(server.store(message="one"))
        await inbox.wait(1)
        server.store(message="lost")
        server.push(server.store(message="three"), skip=1)
        texts = [each.text for each in await inbox.wait(3)]
        assert sorted(texts) == ["lost", "one", "three"]
        assert server.connections == 1


@pytest.mark.parametrize(
    "encode", [lambda facts: urlencode(facts).encode(), lambda facts: json.dumps(facts).encode()], ids=["form", "json"]
)
async def test_outgoing_webhooks_in_both_encodings(server, tmp_path, encode):
    facts = {
        "token": "hook-token",
        "team_id": "t1",
        "channel_id": "C1",
        "user_id": "U1",
        "user_name": "ann",
        "post_id": "p1",
        "text": "symbi: go",
        "trigger_word": "symbi:",
    }
    kind = "application/json" if encode(facts).startswith(b"{") else "application/x-www-form-urlencoded"
    inbox = Inbox()
    async with opened(tmp_path, server, webhook_tokens=["other", "hook-token"]) as channel:

        async def post(facts):
            return await channel.handle(
                HookRequest(name="webhook", headers={"content-type": kind}, body=encode(facts)), inbox
            )

        assert (await post(facts)).status == 200
        assert (await post(facts)).status == 200
        assert (await post({**facts, "token": "wrong"})).status == 401
        assert (await post({**facts, "token": ""})).status == 401
        assert (await post({**facts, "user_id": ""})).status == 400
    (message,) = inbox.messages
    assert (message.text, message.sender_id, message.message_id, message.addressed) == ("go", "U1", "p1", True)


async def test_slash_commands_and_pressed_buttons(server, tmp_path):
    inbox = Inbox()
    async with opened(tmp_path, server, command_tokens=["cmd-token"]) as channel:
        form = urlencode(
            {"channel_id": "C1", "user_id": "U1", "user_name": "ann", "text": "help", "trigger_id": "tr1"}
        ).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "authorization": "Token cmd-token"}
        assert (await channel.handle(HookRequest(name="commands", headers=headers, body=form), inbox)).status == 200
        value = "approval:deny:0123456789abcdef"
        body = {
            "user_id": "U2",
            "channel_id": "C1",
            "post_id": "p1",
            "context": {"value": value, "seal": seal(value, key=server.token)},
        }
        pressed = HookRequest(name="actions", headers={}, body=json.dumps(body).encode())
        assert (await channel.handle(pressed, inbox)).status == 200
        body["context"]["value"] = "approval:approve:0123456789abcdef"
        forged = HookRequest(name="actions", headers={}, body=json.dumps(body).encode())
        assert (await channel.handle(forged, inbox)).status == 401
    command, action = inbox.messages
    assert (command.kind, command.text) == ("command", "help")
    assert (action.kind, action.action, action.sender_id) == ("action", value, "U2")


async def test_private_addresses_are_not_reached(server, tmp_path):
    async with opened(tmp_path, server, private=False) as channel:
        with pytest.raises(SendFailed, match="public") as failure:
            await channel.send(OutboundMessage(conversation="C1", text="x"))
        assert not failure.value.retryable
    assert server.calls == []


@pytest.mark.parametrize(("config", "word"), [
    ({"bot_token": None}, "webhook_url"),
    ({"server_url": ""}, "server_url"),
    ({"server_url": "chat.example.com"}, "server_url"),
])  # fmt: skip
async def test_wrong_settings_name_the_field(server, tmp_path, config, word):
    with pytest.raises(ConfigError, match=word):
        async with opened(tmp_path, server, **config):
            pass


async def test_the_drivers_own_client_works_with_the_server(server):
    from mattermostdriver import Driver

    def work():
        driver = Driver(
            {"scheme": "http", "url": "127.0.0.1", "port": server.port, "token": server.token, "request_timeout": 5}
        )
        driver.login()
        made = driver.posts.create_post({"channel_id": "C1", "message": "from the driver"})
        return driver.client.userid, made["message"]

    assert await asyncio.to_thread(work) == ("ubot", "from the driver")


async def test_tls_with_a_private_authority(tmp_path):
    """REST and wss on this Python, where the driver's own WebSocket cannot (its issues 115 and 122)."""
    certificate, authority = a_certificate(tmp_path)
    async with FakeMattermost(certificate=certificate) as server:
        async with listening(tmp_path, server, ca_file=authority) as (channel, inbox):
            await channel.send(OutboundMessage(conversation="C1", text="over TLS"))
            server.push(server.store(message="over wss"))
            await inbox.wait(1)
        async with opened(tmp_path, server) as channel:
            with pytest.raises(SendFailed):
                await channel.send(OutboundMessage(conversation="C1", text="nobody trusts it"))


def a_certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(pem + secret)
    (folder / "ca.pem").write_bytes(pem)
    return str(folder / "server.pem"), str(folder / "ca.pem")
