"""What goes to Slack: threads, edits, markup, limits of the platform, errors (channels.md §2, §4.5, §4.6)."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbi_slack.plugin
from symbi.contracts.channels import Button, ChannelRefused, OutboundMessage, SendFailed, Sent
from symbi.contracts.errors import ConfigError, Forbidden
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi.testing.fake_slack import FakeSlack
from symbi.testing.kernels import open_kernel
from symbi_slack.formatting import to_mrkdwn


@pytest.fixture
async def slack():
    async with FakeSlack() as server:
        yield server


@asynccontextmanager
async def opened(folder, config, *, private=True):
    tables = {"channels": {"allow_private_hosts": private}}
    async with (
        open_kernel(folder, [symbi_slack.plugin], tables=tables) as kernel,
        kernel.open(CHANNEL_PLATFORMS, "slack", config) as channel,
    ):
        yield channel


def bot(slack, **more):
    return {"bot_token": slack.bot_token, "api_base_url": f"{slack.url}/api/", "messages_per_second": 0, **more}


async def test_threads_edits_and_buttons(slack, tmp_path):
    async with opened(tmp_path, bot(slack)) as channel:
        button = Button(label="Approve", value="approval:approve:x", style="primary")
        sent = await channel.send(
            OutboundMessage(conversation="C1", text="**Sure?**", thread="17.1", buttons=(button,))
        )
        posted = slack.messages[sent.message_id]
        assert (posted["thread_ts"], posted["text"]) == ("17.1", "*Sure?*")
        assert posted["blocks"][1]["elements"][0]["value"] == "approval:approve:x"
        await channel.edit(sent, OutboundMessage(conversation="C1", text="Approved"))
        assert (slack.messages[sent.message_id]["text"], slack.messages[sent.message_id]["blocks"]) == ("Approved", [])


async def test_what_is_for_one_person_is_ephemeral(slack, tmp_path):
    async with opened(tmp_path, bot(slack)) as channel:
        sent = await channel.send(OutboundMessage(conversation="C1", text="psst", only_for="U1"))
        (call,) = slack.calls_to("chat.postEphemeral")
        assert call.json()["user"] == "U1"
        with pytest.raises(SendFailed):
            await channel.edit(sent, OutboundMessage(conversation="C1", text="x"))


@pytest.mark.parametrize(("fault", "retryable", "after"), [
    ({"status": 429, "headers": {"Retry-After": "13"}}, True, 13.0),
    ({"status": 429}, True, None),
    ({"status": 503}, True, None),
    ({"status": 500, "body": "oops"}, True, None),
    ({"status": 200, "body": {"ok": False, "error": "channel_not_found"}}, False, None),
    ({"status": 200, "body": {"ok": False, "error": "internal_error"}}, True, None),
    ({"status": 200, "body": {"ok": False, "error": "ratelimited"}, "headers": {"Retry-After": "2"}}, True, 2.0),
    ({"status": 404, "body": "gone"}, False, None),
])  # fmt: skip
async def test_failures_say_whether_to_try_again(slack, tmp_path, fault, retryable, after):
    async with opened(tmp_path, bot(slack)) as channel:
        slack.fail("chat.postMessage", **fault)
        with pytest.raises(SendFailed) as failure:
            await channel.send(OutboundMessage(conversation="C1", text="x"))
        assert (failure.value.retryable, failure.value.retry_after) == (retryable, after)
        assert slack.bot_token not in repr(failure.value)


@pytest.mark.parametrize("error", ["token_expired", "token_revoked", "invalid_auth"])
async def test_refused_tokens_are_refusals(slack, tmp_path, error):
    async with opened(tmp_path, bot(slack)) as channel:
        slack.fail("chat.postMessage", body={"ok": False, "error": error})
        with pytest.raises(ChannelRefused, match=error):
            await channel.send(OutboundMessage(conversation="C1", text="x"))


async def test_the_seeds_webhook_posts_to_the_hook(slack, tmp_path):
    config = {"webhook_url": f"{slack.url}/hooks/T0/B0", "channel": "#general"}
    async with opened(tmp_path, config) as channel:
        assert await channel.send(OutboundMessage(conversation="#general", text="hello")) == Sent(
            conversation="#general"
        )
        slack.fail("/hooks/", status=429, headers={"Retry-After": "1"})
        with pytest.raises(SendFailed) as failure:
            await channel.send(OutboundMessage(conversation="#general", text="again"))
        assert (failure.value.retryable, failure.value.retry_after, failure.value.status) == (True, 1.0, 429)
        assert not (await channel.health()).connected
        await channel.send(OutboundMessage(conversation="#general", text="again"))
        assert (await channel.health()).connected
    assert [call.json()["text"] for call in slack.calls_to("/hooks/T0/B0")] == ["hello", "again", "again"]


async def test_health_names_the_workspace(slack, tmp_path):
    async with opened(tmp_path, bot(slack)) as channel:
        found = await channel.health()
        assert (found.connected, found.workspace_name, found.channels_active) == (True, "my-team", 3)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "10.0.0.1",
        "[::1]",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
    ],
)
async def test_private_addresses_are_not_reached(tmp_path, host):
    with pytest.raises((Forbidden, SendFailed)):
        async with opened(tmp_path, {"webhook_url": f"http://{host}:9/x"}, private=False) as channel:
            await channel.send(OutboundMessage(conversation="x", text="x"))


@pytest.mark.parametrize(("config", "word"), [
    ({}, "webhook_url"),
    ({"webhook_url": "https://x/y", "bot_token": "xoxb-1"}, "webhook_url"),
    ({"webhook_url": "ftp://x/y"}, "http"),
    ({"webhook_url": "https://user:pw@x/y"}, "user name"),
    ({"webhook_url": "https://x/y", "signing_secret": "s"}, "signing_secret"),
])  # fmt: skip
async def test_wrong_settings_name_the_field(tmp_path, config, word):
    with pytest.raises(ConfigError, match=word):
        async with opened(tmp_path, config):
            pass


@pytest.mark.parametrize(("markdown", "slack_text"), [
    ("**bold** and `**code**`", "*bold* and `**code**`"),
    ("# Title\ntext", "*Title*\ntext"),
    ("- one\n- two", "• one\n• two"),
    ("[docs](https://example.com/a)", "<https://example.com/a|docs>"),
    ("a < b && <!channel> <@U1>", "a &lt; b &amp;&amp; &lt;!channel&gt; &lt;@U1&gt;"),
    ("```python\nx < 1\n```", "```\nx &lt; 1\n```"),
    ("~~gone~~", "~gone~"),
    ("2 * 3 * 4", "2 * 3 * 4"),
])  # fmt: skip
def test_markup(markdown, slack_text):
    assert to_mrkdwn(markdown) == slack_text


@settings(max_examples=100)
@given(st.text(alphabet=st.sampled_from("ab*_~`<>&[]()#- \n/:."), max_size=200))
def test_markup_never_lets_a_bare_bracket_through(text):
    formatted = to_mrkdwn(text)
    assert "<!" not in formatted
    assert "<@" not in formatted


async def test_where_the_bot_is_no_member_the_response_url_is_used_and_only_slacks(slack, tmp_path):
    async with opened(tmp_path, bot(slack)) as channel:
        slack.fail("chat.postMessage", times=2, body={"ok": False, "error": "not_in_channel"})
        reply = {"response_url": f"{slack.url}/response/T1/x"}
        assert await channel.send(OutboundMessage(conversation="C9", text="**hi**", reply=reply)) == Sent(
            conversation="C9"
        )
        (call,) = slack.calls_to("/response/T1/x")
        assert (call.json()["text"], call.json()["response_type"]) == ("*hi*", "in_channel")
        with pytest.raises(SendFailed, match="not_in_channel"):
            await channel.send(
                OutboundMessage(conversation="C9", text="x", reply={"response_url": "https://evil.example/x"})
            )
