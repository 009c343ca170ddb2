"""The settings of one Teams channel."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["CardFormat", "TeamsConfig"]

CardFormat = Literal["auto", "adaptive", "message"]
_CONNECTORS = (".webhook.office.com", "outlook.office.com")


class TeamsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config` of a channel with platform `teams`: `webhook_url` makes it outbound only, `app_id` and `app_password` a bot."""

    webhook_url: Secret | None = None
    """A Workflows webhook, or an Office 365 connector where one still lives; the whole URL is a secret."""
    card_format: CardFormat = "auto"
    """`adaptive` for Workflows, `message` for connectors; `auto` goes by the host."""
    channel: str = ""
    """Where messages go that name no conversation (a bot: a conversation's id). A webhook posts to its own channel."""
    app_id: str = ""
    """The bot's Microsoft App ID."""
    app_password: Secret | None = None
    """The bot's client secret."""
    tenant_id: str = "botframework.com"
    """The tenant that issues the bot's tokens: its id for a single-tenant bot."""
    service_url: str = ""
    """Where messages go that answer nothing, for example `https://smba.trafficmanager.net/emea/`; learned from what comes in."""
    service_hosts: tuple[str, ...] = (
        "smba.trafficmanager.net",
        "smba.infra.gcc.teams.microsoft.com",
        "smba.infra.gov.teams.microsoft.us",
    )
    """The only hosts that the bot sends its token to."""
    login_base_url: str = "https://login.microsoftonline.com"
    openid_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    issuer: str = "https://api.botframework.com"
    messages_per_second: float = 1.0
    """To one conversation; 0 does not limit."""
    timeout_seconds: float = 15.0

    def __post_init__(self) -> None:
        if (self.webhook_url is None) == (self.app_password is None):
            raise ValueError("teams needs webhook_url (only sends), or app_id and app_password (both ways)")
        if self.app_password is not None and not self.app_id:
            raise ValueError("app_id: a bot needs its Microsoft App ID")
        urls = (
            self.webhook_url.reveal() if self.webhook_url else "",
            self.service_url,
            self.login_base_url,
            self.openid_url,
        )
        for url in urls:
            parts = urlsplit(url)
            if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
                raise ValueError("webhook_url, service_url, login_base_url, openid_url: expected http(s)://host/…")
        if self.messages_per_second < 0 or self.timeout_seconds <= 0:
            raise ValueError("messages_per_second, timeout_seconds: expected positive numbers")

    def wants_message_card(self) -> bool:
        """Tell whether the webhook is a connector, which takes MessageCards; a flow fails on them."""
        host = (urlsplit(self.webhook_url.reveal()).hostname or "") if self.webhook_url else ""
        return self.card_format == "message" or (self.card_format == "auto" and host.endswith(_CONNECTORS))
