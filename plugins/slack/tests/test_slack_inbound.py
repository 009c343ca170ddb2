"""What Slack sends: signatures, replays, events, commands, buttons, Socket Mode with its faults (channels.md §4.2, §4.3, §4.7)."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest

import symbi_slack.plugin
from symbi.contracts.channels import ChannelRefused, HookRequest
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi.testing.channels import Inbox
from symbi.testing.chat_servers import StallingProxy
from symbi.testing.fake_slack import FakeSlack, slack_event, slack_form, slack_signature
from symbi.testing.kernels import open_kernel
from symbi_slack.signing import verified


@pytest.fixture
async def slack():
    async with FakeSlack() as server:
        yield server


@pytest.fixture
def opened(tmp_path, slack):
    @asynccontextmanager
    async def open_bot(**config):
        given = {
            "bot_token": slack.bot_token,
            "signing_secret": slack.signing_secret,
            "api_base_url": f"{slack.url}/api/",
            "messages_per_second": 0,
            **config,
        }
        tables = {"channels": {"allow_private_hosts": True}}
        async with (
            open_kernel(tmp_path, [symbi_slack.plugin], tables=tables) as kernel,
            kernel.open(CHANNEL_PLATFORMS, "slack", given) as channel,
        ):
            yield channel

    return open_bot


async def post(channel, inbox, body, *, name="events", headers=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await channel.handle(
        HookRequest(name=name, headers=slack_signature(raw) if headers is None else headers, body=raw), inbox
    )


NOW = 1_795_000_000.0


def signed(at=NOW, secret=FakeSlack.signing_secret, body=b"x", **change):
    return {**slack_signature(body, at=at, secret=secret), **change}


@pytest.mark.parametrize(("headers", "good"), [
    (signed(), True),
    (signed(at=NOW - 300), True),
    (signed(at=NOW - 301), False),
    (signed(at=NOW + 301), False),
    (signed(secret="other"), False),
    ({}, False),
    ({"x-slack-signature": "v0=" + "0" * 64}, False),
    (signed(**{"x-slack-request-timestamp": "soon"}), False),
    (signed(**{"x-slack-request-timestamp": "１７００００００００"}), False),
    (signed(**{"x-slack-request-timestamp": "9" * 500}), False),
    (signed(**{"x-slack-signature": "v0=é"}), False),
    (signed(**{"x-slack-signature": ""}), False),
])  # fmt: skip
def test_signatures(headers, good):
    assert bool(verified(headers, b"x", secrets=[FakeSlack.signing_secret], now=NOW)) is good


def test_signatures_are_read_as_slack_sdk_reads_them():
    from slack_sdk.signature import SignatureVerifier

    for body in ("payload=%7B%7D", '{"a": "ü"}', ""):
        headers = slack_signature(body.encode())
        assert SignatureVerifier(FakeSlack.signing_secret).is_valid_request(body, headers)
        assert verified(headers, body.encode(), secrets=[FakeSlack.signing_secret], now=time.time())


def test_a_body_that_is_no_text_verifies_over_its_bytes():
    body = b"\xff\xfe\x00"
    assert verified(slack_signature(body), body, secrets=[FakeSlack.signing_secret], now=time.time())
    assert not verified(slack_signature(body), b"\xff\xfe\x01", secrets=[FakeSlack.signing_secret], now=time.time())


async def test_two_secrets_are_good_while_one_replaces_the_other(opened):
    async with opened(old_signing_secret="the-old-one") as channel:
        for secret in ("the-old-one", FakeSlack.signing_secret):
            body = json.dumps(slack_event(event_id=secret)).encode()
            reply = await post(channel, Inbox(), body, headers=slack_signature(body, secret=secret))
            assert reply.status == 200


async def test_without_a_signing_secret_nothing_is_taken(opened):
    async with opened(signing_secret=None) as channel:
        body = json.dumps(slack_event()).encode()
        assert (await post(channel, Inbox(), body, headers=slack_signature(body, secret=""))).status == 401


async def test_the_same_request_again_is_a_replay(opened):
    inbox = Inbox()
    async with opened() as channel:
        body = json.dumps(slack_event()).encode()
        headers = slack_signature(body)
        assert (await post(channel, inbox, body, headers=headers)).status == 200
        assert (await post(channel, inbox, body, headers=headers)).status == 409
        later = slack_signature(body, at=time.time() + 5)
        assert (await post(channel, inbox, body, headers=later)).status == 200
    assert len(inbox.messages) == 1


async def test_the_challenge_is_echoed(opened):
    async with opened() as channel:
        reply = await post(channel, Inbox(), {"type": "url_verification", "challenge": "abc"})
        assert (reply.status, reply.body) == (200, b"abc")


@pytest.mark.parametrize("event", [
    {"kind": "reaction_added"},
    {"kind": "message", "subtype": "message_changed"},
    {"kind": "message", "subtype": "message_deleted"},
    {"kind": "message", "subtype": "bot_message"},
    {"kind": "message", "bot_id": "BOTHER"},
    {"kind": "message", "user": "UBOT"},
    {"kind": "message", "user": None},
    {"kind": "app_mention", "channel": None},
])  # fmt: skip
async def test_what_nobody_acts_on_is_acknowledged_and_ignored(opened, event):
    inbox = Inbox()
    async with opened() as channel:
        assert (await post(channel, inbox, slack_event(**event))).status == 200
        assert (await post(channel, inbox, {"type": "app_rate_limited"})).status == 200
        assert (await post(channel, inbox, {"type": "event_callback", "event": []})).status == 200
    assert inbox.offered == []


async def test_a_mention_that_comes_as_two_events_is_one_message(opened):
    inbox = Inbox()
    async with opened() as channel:
        await post(channel, inbox, slack_event("<@UBOT> do it", event_id="Ev1", kind="message"))
        await post(channel, inbox, slack_event("<@UBOT> do it", event_id="Ev2", kind="app_mention"))
        for _ in range(3):
            await post(channel, inbox, slack_event("<@UBOT> do it", event_id="Ev2", kind="app_mention"))
    (message,) = inbox.messages
    assert (message.text, message.addressed, message.sender_id, message.message_id, message.thread) == (
        "do it",
        True,
        "U1",
        "1700000001.000100",
        "",
    )
    assert message.sent_at == 1700000001000


async def test_direct_messages_threads_and_plain_messages(opened):
    inbox = Inbox()
    async with opened() as channel:
        await post(
            channel,
            inbox,
            slack_event("hi &lt;you&gt;", event_id="E1", kind="message", channel="D1", channel_type="im", ts="1.1"),
        )
        await post(
            channel, inbox, slack_event("x", event_id="E2", kind="message", thread_ts="1700000000.000001", ts="1.2")
        )
    direct, threaded = inbox.messages
    assert (direct.direct, direct.addressed, direct.text) == (True, False, "hi <you>")
    assert (threaded.thread, threaded.addressed) == ("1700000000.000001", False)


async def test_slash_commands(opened):
    inbox = Inbox()
    async with opened() as channel:
        form = slack_form(
            command="/symbi",
            text="run helper now",
            user_id="U1",
            user_name="ann",
            channel_id="C1",
            trigger_id="T.1",
            response_url="https://hooks.slack.com/x",
        )
        reply = await post(channel, inbox, form, name="commands")
        assert reply.status == 200
        assert json.loads(reply.body)["response_type"] == "ephemeral"
        assert (await post(channel, inbox, form + b"&x=1", name="commands")).status == 200
        assert (await post(channel, inbox, b"user_id=U1", name="commands")).status == 400
        assert (await post(channel, inbox, b"ssl_check=1", name="commands")).status == 200
    (message,) = inbox.messages
    assert (message.kind, message.text, message.sender_name) == ("command", "run helper now", "ann")


async def test_a_pressed_button(opened):
    inbox = Inbox()
    payload = {
        "type": "block_actions", "trigger_id": "9.9", "user": {"id": "U1", "username": "ann"}, "channel": {"id": "C1"}, "team": {"id": "T1"},
        "message": {"ts": "17.1"}, "actions": [{"action_id": "symbi_0", "value": "approval:approve:0123456789abcdef", "action_ts": "1"}],
    }  # fmt: skip
    async with opened() as channel:
        assert (await post(channel, inbox, slack_form(payload=json.dumps(payload)), name="interactions")).status == 200
        assert (await post(channel, inbox, slack_form(payload="{"), name="interactions")).status == 400
        assert (
            await post(channel, inbox, slack_form(payload=json.dumps({"type": "view_closed"})), name="interactions")
        ).status == 200
    (message,) = inbox.messages
    assert (message.kind, message.action, message.thread) == ("action", "approval:approve:0123456789abcdef", "17.1")


@pytest.fixture
def socket(opened, slack):
    @asynccontextmanager
    async def open_socket(**config):
        inbox = Inbox()
        async with opened(app_token=slack.app_token, socket_silence_seconds=0.6, **config) as channel:
            task = asyncio.create_task(channel.receive(inbox))
            try:
                yield channel, inbox
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    return open_socket


async def until(check, seconds=6.0):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.01)


async def test_socket_mode_acknowledges_once_stored(socket, slack):
    async with socket() as (channel, inbox):
        await until(lambda: slack.connections)
        envelope = await slack.push(slack_event("over the socket"))
        await inbox.wait(1)
        await until(lambda: envelope in slack.acknowledged)
        assert (await channel.health()).connected


@pytest.mark.parametrize("fault", ["disconnect", "kill"])
async def test_socket_mode_comes_back_and_loses_nothing(socket, slack, fault):
    async with socket() as (_channel, inbox):
        await until(lambda: slack.connections == 1)
        await slack.push(slack_event(event_id="E1", ts="1.1"))
        await inbox.wait(1)
        getattr(slack, fault)()
        await slack.push(slack_event(event_id="E2", ts="1.2"))
        await inbox.wait(2)
        assert slack.connections >= 2
        assert len(slack.calls_to("apps.connections.open")) == slack.connections


async def test_a_half_open_connection_is_given_up_and_health_says_so(socket, slack):
    """The network lost the connection without a word: no close, no pong."""
    async with StallingProxy(slack.port) as proxy:
        slack.link_port = proxy.port
        async with socket() as (_channel, inbox):
            await until(lambda: slack.connections == 1)
            proxy.stalled = True
            await slack.push(slack_event(event_id="E1"))
            slack.link_port = 0
            assert inbox.messages == []
            await inbox.wait(1)
            assert slack.connections == 2


async def test_an_idle_connection_outlives_the_timeout_of_a_call(socket, slack):
    async with socket(timeout_seconds=0.5) as (_channel, inbox):
        await until(lambda: slack.connections == 1)
        await asyncio.sleep(1.5)
        await slack.push(slack_event())
        await inbox.wait(1)
        assert slack.connections == 1


async def test_refused_app_tokens_end_the_loop(opened, slack):
    async with opened(app_token="xapp-wrong-0000000") as channel:
        with pytest.raises(ChannelRefused, match="invalid_auth"):
            await asyncio.wait_for(channel.receive(Inbox()), 5)


async def test_an_envelope_that_cannot_be_read_is_acknowledged(socket, slack):
    async with socket() as (_channel, inbox):
        await until(lambda: slack.connections)
        envelope = await slack.push({"event": 7}, kind="events_api")
        other = await slack.push({}, kind="what_is_this")
        await until(lambda: {envelope, other} <= set(slack.acknowledged))
    assert inbox.offered == []


async def test_slack_sdks_own_client_works_with_the_server(slack):
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.socket_mode.response import SocketModeResponse
    from slack_sdk.web.async_client import AsyncWebClient

    got = []

    async def listener(client, request):
        got.append(request.payload["event"]["text"])
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client = SocketModeClient(app_token=slack.app_token, web_client=AsyncWebClient(base_url=f"{slack.url}/api/"))
    client.socket_mode_request_listeners.append(listener)
    await client.connect()
    envelope = await slack.push(slack_event("for the sdk"))
    await until(lambda: envelope in slack.acknowledged)
    await client.close()
    assert got == ["for the sdk"]
