"""The settings of one Mattermost channel."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["MattermostConfig"]


class MattermostConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config` of a channel with platform `mattermost`: `webhook_url` makes it outbound only, `server_url` and `bot_token` a bot."""

    webhook_url: Secret | None = None
    """An incoming webhook; its path is a secret."""
    server_url: str = ""
    """The server's address, for example `https://chat.example.com`."""
    bot_token: Secret | None = None
    """The access token of a bot account."""
    channel: str = ""
    """Where messages go that name no conversation: a channel's id for a bot, its name for a webhook."""
    websocket: bool = True
    """Whether a bot listens over the WebSocket; off leaves outgoing webhooks and slash commands."""
    webhook_tokens: tuple[Secret, ...] = ()
    """The tokens of outgoing webhooks that may call `hooks/webhook`."""
    command_tokens: tuple[Secret, ...] = ()
    """The tokens of slash commands that may call `hooks/commands`."""
    callback_url: str = ""
    """Where the server reaches `hooks/actions` of this channel; with it, approvals have buttons, without it commands."""
    ca_file: Path | None = None
    """A PEM file of the authority that signed the server's certificate, where that is a private one."""
    messages_per_second: float = 10.0
    """To one conversation; 0 does not limit."""
    timeout_seconds: float = 15.0
    socket_silence_seconds: float = 30.0
    """A WebSocket that answers no ping for so long is made anew."""

    def __post_init__(self) -> None:
        if (self.webhook_url is None) == (self.bot_token is None):
            raise ValueError("mattermost needs webhook_url (only sends), or server_url and bot_token (both ways)")
        if self.bot_token is not None and not self.server_url:
            raise ValueError("server_url: a bot needs the server's address, for example https://chat.example.com")
        for url in (self.server_url, self.webhook_url.reveal() if self.webhook_url else "", self.callback_url):
            parts = urlsplit(url)
            if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
                raise ValueError("server_url, webhook_url, callback_url: expected http(s)://host/… without a user name")
        if self.messages_per_second < 0 or self.timeout_seconds <= 0 or self.socket_silence_seconds <= 0:
            raise ValueError("messages_per_second, timeout_seconds, socket_silence_seconds: expected positive numbers")
