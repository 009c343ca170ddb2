"""The contract of channel platforms as tests, and what a test needs to be a service of channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.channels import (
    Accepted,
    Button,
    Channel,
    ChannelHealth,
    HookRequest,
    InboundMessage,
    OutboundMessage,
    SendFailed,
    Sent,
)
from symbi.contracts.errors import ConfigError
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi.testing.kernels import open_kernel

__all__ = ["ChannelPlatformContract", "Inbox"]


class Inbox:
    """Takes messages as the service does: each once, by its keys; `messages` are those that are new."""

    def __init__(self) -> None:
        self.messages: list[InboundMessage] = []
        self.offered: list[InboundMessage] = []
        self._seen: set[str] = set()
        self._changed = asyncio.Event()

    async def __call__(self, message: InboundMessage) -> Accepted:
        """Take a message."""
        self.offered.append(message)
        if message.nonce and f"nonce:{message.nonce}" in self._seen:
            return "replayed"
        if message.nonce:
            self._seen.add(f"nonce:{message.nonce}")
        keys = {f"event:{message.event_id}", *message.also}
        fresh = not keys & self._seen
        self._seen |= keys
        if fresh:
            self.messages.append(message)
        self._changed.set()
        return "new" if fresh else "duplicate"

    async def wait(self, count: int = 1, *, seconds: float = 5.0) -> list[InboundMessage]:
        """Return the messages once there are `count`."""
        async with asyncio.timeout(seconds):
            while len(self.messages) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.messages


class ChannelPlatformContract:
    """What every channel platform must do.

    Subclass it with `plugin` and `platform`, and give the fixtures `channel_config` (a configuration that reaches a live server of a test) and
    `dead_config` (one that reaches nobody). `target` is a conversation that exists there.
    """

    plugin: Any
    """The plugin module."""
    platform: str
    """The platform's name."""
    target = "C1"
    secrets: tuple[str, ...] = ()
    """Texts that must not show in the repr of the configuration."""

    @asynccontextmanager
    async def opened(self, folder: Path, config: dict[str, Any]) -> AsyncIterator[Channel]:
        """Open a channel with this configuration, private addresses allowed."""
        tables = {"channels": {"allow_private_hosts": True}}
        async with (
            open_kernel(folder, [self.plugin], tables=tables) as kernel,
            kernel.open(CHANNEL_PLATFORMS, self.platform, config) as channel,
        ):
            yield channel

    async def test_it_is_a_channel_and_opens_without_the_network(
        self, tmp_path: Path, dead_config: dict[str, Any]
    ) -> None:
        """A platform that is down is a matter of health, not of opening."""
        async with self.opened(tmp_path, dead_config) as channel:
            assert isinstance(channel, Channel)
            assert channel.limits.message_size >= 200

    async def test_it_sends(self, tmp_path: Path, channel_config: dict[str, Any]) -> None:
        """Plain text, Markdown, text of many scripts, a thread, buttons: all are taken."""
        async with self.opened(tmp_path, channel_config) as channel:
            for text in ("hello", "**bold** `code` <&>", "日本語 🎉 العربية"):
                assert isinstance(await channel.send(OutboundMessage(conversation=self.target, text=text)), Sent)
            button = Button(label="Approve", value="approval:approve:0123456789abcdef", style="primary")
            await channel.send(OutboundMessage(conversation=self.target, text="Sure?", buttons=(button,)))

    async def test_what_it_sent_it_can_edit_or_says_that_it_cannot(
        self, tmp_path: Path, channel_config: dict[str, Any]
    ) -> None:
        """A message with an id can be replaced; one without raises `SendFailed` that is not worth a retry."""
        async with self.opened(tmp_path, channel_config) as channel:
            message = OutboundMessage(conversation=self.target, text="first")
            sent = await channel.send(message)
            if sent.message_id:
                await channel.edit(sent, OutboundMessage(conversation=self.target, text="second"))
            else:
                with pytest.raises(SendFailed) as failure:
                    await channel.edit(sent, message)
                assert not failure.value.retryable

    async def test_the_largest_message_is_taken(self, tmp_path: Path, channel_config: dict[str, Any]) -> None:
        """What measures as the limit is sent."""
        async with self.opened(tmp_path, channel_config) as channel:
            for letter in ("a", "<", "ü", "🎉"):
                low, high = 1, channel.limits.message_size * 2
                while low < high:
                    middle = (low + high + 1) // 2
                    if channel.measure(letter * middle) <= channel.limits.message_size:
                        low = middle
                    else:
                        high = middle - 1
                await channel.send(OutboundMessage(conversation=self.target, text=letter * low))

    async def test_a_platform_that_is_down_is_a_failure_to_be_retried(
        self, tmp_path: Path, dead_config: dict[str, Any]
    ) -> None:
        """Nobody answers: `SendFailed`, retryable, without a secret in it."""
        async with self.opened(tmp_path, dead_config) as channel:
            with pytest.raises(SendFailed) as failure:
                await channel.send(OutboundMessage(conversation=self.target, text="hello"))
            assert failure.value.retryable
            assert not any(secret in str(failure.value) for secret in self.secrets)

    async def test_health_never_raises(
        self, tmp_path: Path, channel_config: dict[str, Any], dead_config: dict[str, Any]
    ) -> None:
        """A live platform is connected; a dead one is not, with a reason."""
        async with self.opened(tmp_path, channel_config) as channel:
            found = await channel.health()
            assert isinstance(found, ChannelHealth)
            assert found.connected, found.reason
        async with self.opened(tmp_path, dead_config) as channel:
            await channel.health()

    async def test_receiving_can_be_cancelled_and_begun_again(
        self, tmp_path: Path, channel_config: dict[str, Any]
    ) -> None:
        """Cancelling `receive` leaves the channel usable."""
        async with self.opened(tmp_path, channel_config) as channel:
            for _ in range(2):
                task = asyncio.create_task(channel.receive(Inbox()))
                await asyncio.sleep(0.1)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await channel.send(OutboundMessage(conversation=self.target, text="still here"))

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b"payload=%7B", b'{"type": 7}'])
    async def test_an_unsigned_or_malformed_request_is_refused_with_an_answer(
        self, tmp_path: Path, channel_config: dict[str, Any], body: bytes
    ) -> None:
        """Whatever comes in without a good signature is answered by 4xx and acted on by nobody."""
        inbox = Inbox()
        async with self.opened(tmp_path, channel_config) as channel:
            for name in ("events", "commands", "interactions", "messages", "webhook", "surely-unknown"):
                for headers in ({}, {"authorization": "Bearer x", "content-type": "application/json"}):
                    reply = await channel.handle(HookRequest(name=name, headers=headers, body=body), inbox)
                    assert 400 <= reply.status < 500, (name, reply)
        assert inbox.offered == []

    async def test_unknown_settings_are_refused(self, tmp_path: Path, channel_config: dict[str, Any]) -> None:
        """A setting that it does not know is an error that names it."""
        with pytest.raises(ConfigError, match="surely_unknown"):
            async with self.opened(tmp_path, {**channel_config, "surely_unknown": 1}):
                pass

    async def test_secrets_do_not_show_themselves(self, tmp_path: Path, channel_config: dict[str, Any]) -> None:
        """Neither the channel nor its configuration shows a secret."""
        async with self.opened(tmp_path, channel_config) as channel:
            shown = repr(channel) + repr(vars(channel) if hasattr(channel, "__dict__") else "")
            assert not any(secret in shown for secret in self.secrets)
