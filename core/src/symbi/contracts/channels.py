"""Channels: rooms of chat platforms in which people and agents talk.

A platform only carries messages: it opens one configured `Channel`, checks signatures, formats, sends. Everything else (routing, who may do
what, the durable inbox and outbox, retries, audit) is the work of the `ChannelService`, the same for every platform. Source: `channels.md`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.errors import SymbiError
from symbi.contracts.offers import Offer
from symbi.contracts.principal import Principal

__all__ = [
    "Accept",
    "Accepted",
    "Button",
    "Channel",
    "ChannelHealth",
    "ChannelLimits",
    "ChannelPlatform",
    "ChannelRefused",
    "ChannelService",
    "ChannelStatus",
    "HookReply",
    "HookRequest",
    "InboundMessage",
    "OutboundMessage",
    "SendFailed",
    "Sent",
    "SentMessage",
]

ChannelStatus = Literal["registered", "starting", "running", "error", "stopping", "stopped"]

Accepted = Literal["new", "duplicate", "replayed", "ignored"]
"""What became of an inbound message: stored, seen before, a replay of a signed request, or nothing that anybody acts on."""


class ChannelPlatform(Offer, frozen=True, kw_only=True):
    """Offer of one chat platform. `config` is the struct of one channel's settings; its fields of type `Secret` are encrypted at rest and never
    shown. `open(config, context)` gives a `Channel` and must not need the network: a platform that is down is a matter of health.
    """


class ChannelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform takes: `message_size` in the unit of `Channel.measure`, `per_second` messages to one conversation (None = no limit)."""

    message_size: int = 4000
    per_second: float | None = None


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person did on the platform.

    `event_id` is the platform's own id of the event, unique within the channel; `also` are further keys under which the same thing may arrive
    once more (`ts:C1:17.3` for a mention that comes as two events). `nonce` is the signature of the request that brought it: the same nonce again
    is a replay. `direct` is a message to the bot alone, `addressed` one that names it (the name is already taken off `text`). `reply` is opaque data
    that `send` gets back. `sent_at` is UTC milliseconds by the platform's clock, 0 where it gives none.

    `action` is a pressed button's value (see `Button`); such a message has no text of its own.
    """

    event_id: str
    conversation: str
    sender_id: str
    text: str = ""
    sender_name: str = ""
    thread: str = ""
    message_id: str = ""
    workspace: str = ""
    kind: Literal["message", "command", "action"] = "message"
    direct: bool = False
    addressed: bool = False
    action: str = ""
    reply: dict[str, Any] = {}
    also: tuple[str, ...] = ()
    nonce: str = ""
    sent_at: int = 0


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A button under a message; pressing it brings an `InboundMessage` with `action` = `value`."""

    label: str
    value: str
    style: Literal["", "primary", "danger"] = ""


class OutboundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send: `text` in Markdown, at most `ChannelLimits.message_size` long.

    `thread` is a thread's id, or empty. `only_for` is the one person who may see it, where the platform can do that; where it cannot, the channel
    sends it to that person directly or raises `SendFailed`, never to everybody. `reply` is what came with the message that it answers.
    """

    conversation: str
    text: str
    thread: str = ""
    buttons: tuple[Button, ...] = ()
    only_for: str = ""
    reply: dict[str, Any] = {}


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform calls a message that it took; empty ids where it tells none (incoming webhooks), which then cannot be edited."""

    message_id: str = ""
    conversation: str = ""
    thread: str = ""


class SendFailed(SymbiError):
    """The platform did not take a message.

    `retryable` tells whether the same message may succeed later, not before `retry_after` seconds where the platform says so.
    """

    code = "CHANNEL_SEND_FAILED"

    def __init__(
        self, message: str, *, retryable: bool, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, details={"status": status} if status else None)
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status


class ChannelRefused(SymbiError):
    """The platform refuses the credentials: trying again is useless, the channel goes to `error` until somebody mends its configuration."""

    code = "CHANNEL_REFUSED"


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request of the platform to `/api/v1/channels/{id}/hooks/{name}`: header names in lower case, the body as raw bytes."""

    name: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = {}


class HookReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a `HookRequest`; it is sent at once, whatever an agent still does."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"


class ChannelHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe of the platform found; `reason` says why it is not connected."""

    connected: bool
    workspace_name: str | None = None
    channels_active: int = 0
    reason: str = ""


Accept = Callable[[InboundMessage], Awaitable[Accepted]]
"""Stores a message durably; what it has returned for is not lost any more, so acknowledge to the platform afterwards."""


@runtime_checkable
class Channel(Protocol):
    """One opened channel of a platform. All methods may be called at the same time."""

    limits: ChannelLimits

    def measure(self, text: str) -> int:
        """Return the size of a Markdown text as the platform counts it, once it is formatted."""
        ...

    async def send(self, message: OutboundMessage) -> Sent:
        """Send one message; raises `SendFailed` or `ChannelRefused`. Never retries by itself."""
        ...

    async def edit(self, sent: Sent, message: OutboundMessage) -> None:
        """Replace a message that was sent, buttons included; raises `SendFailed` (not retryable where the platform cannot edit)."""
        ...

    async def receive(self, accept: Accept) -> None:
        """Bring what happens on the platform to `accept` until cancelled, over the platform's own connection, and reconnect as needed.

        Returns at once where the platform only calls us (`handle`) or nothing comes in. Raises `ChannelRefused` for refused credentials.
        """
        ...

    async def handle(self, request: HookRequest, accept: Accept) -> HookReply:
        """Answer a request of the platform: check its signature over the raw bytes first, then hand on what it brings.

        A wrong signature, a replay and a malformed body are replies (401, 409, 400); unknown events are acknowledged and ignored.
        """
        ...

    async def health(self) -> ChannelHealth:
        """Probe the platform; raises nothing for a platform that does not answer."""
        ...


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way: `queued` while it waits in the outbox, where it stays until the platform takes it."""

    message_id: str
    status: Literal["sent", "queued"]


@runtime_checkable
class ChannelService(Protocol):
    """All channels of this runtime."""

    async def post(
        self,
        channel: str,
        text: str,
        *,
        principal: Principal,
        target: str = "",
        thread: str = "",
        key: str = "",
        wait_seconds: float = 5.0,
    ) -> SentMessage:
        """Send a text through a running channel (id or name) to `target`, or to where the channel's settings say.

        It is durable when this returns; `wait_seconds` is how long to wait for the platform to take it. The same `key` again sends nothing.
        Raises `NotFound` (`CHANNEL_NOT_FOUND`), `Conflict` (not running), `InvalidRequest` (no target), `PolicyDenied`.
        """
        ...

    async def summaries(self) -> Sequence[Mapping[str, str]]:
        """Return `id, name, platform, status` of every channel, oldest first."""
        ...
