"""The settings of one Slack channel."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["SlackConfig"]


class SlackConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config` of a channel with platform `slack`: `webhook_url` makes it outbound only, `bot_token` a bot."""

    webhook_url: Secret | None = None
    """An incoming webhook; its path is a secret."""
    channel: str = ""
    """Where messages go that name no conversation. A webhook posts to its own channel whatever this says."""
    bot_token: Secret | None = None
    """`xoxb-…`."""
    signing_secret: Secret | None = None
    """Checks requests to `hooks/events`, `hooks/commands` and `hooks/interactions`; without it none is taken."""
    old_signing_secret: Secret | None = None
    """Also accepted, while a secret is being replaced."""
    app_token: Secret | None = None
    """`xapp-…`: receive over Socket Mode, without a public address."""
    api_base_url: str = "https://slack.com/api/"
    messages_per_second: float = 1.0
    """To one conversation; Slack allows one a second with short bursts. 0 does not limit."""
    timeout_seconds: float = 15.0
    socket_silence_seconds: float = 30.0
    """A Socket Mode connection on which nothing is heard for so long is torn down and made anew."""

    def __post_init__(self) -> None:
        if (self.webhook_url is None) == (self.bot_token is None):
            raise ValueError("slack needs webhook_url (only sends) or bot_token (both ways), one of the two")
        if self.webhook_url is not None and (self.app_token or self.signing_secret):
            raise ValueError("app_token and signing_secret belong to a bot: give bot_token instead of webhook_url")
        for url in (self.api_base_url, self.webhook_url.reveal() if self.webhook_url else "https://x"):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise ValueError("webhook_url and api_base_url: expected http(s)://host/… without a user name")
        if self.messages_per_second < 0 or self.timeout_seconds <= 0 or self.socket_silence_seconds <= 0:
            raise ValueError("messages_per_second, timeout_seconds, socket_silence_seconds: expected positive numbers")
