"""The REST API through mattermostdriver, in threads: pinned to a checked address, with timeouts, and with errors that say what they mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from symbi.contracts.channels import ChannelRefused, SendFailed
from symbi.contracts.errors import SymbiError
from symbi.http.outbound import allowed_address

if TYPE_CHECKING:
    from symbi_mattermost.config import MattermostConfig

__all__ = ["Rest", "failure_of"]

SETTING = "[channels] allow_private_hosts = true opens private addresses"
_REFUSED = 401


class Rest:
    """Calls the driver's endpoints: `await rest.call(lambda driver: driver.posts.create_post({…}))`."""

    def __init__(self, config: MattermostConfig, *, allow_private: bool) -> None:
        parts = urlsplit(config.server_url)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.secure = parts.scheme == "https"
        self.base = f"{parts.path.rstrip('/')}/api/v4"
        self._config = config
        self._allow_private = allow_private
        self._driver: Any = None

    async def address(self) -> str:
        """Return the address to connect to; raises `SendFailed` where there is none that may be reached."""
        try:
            return await allowed_address(self.host, self.port, allow_private=self._allow_private, setting=SETTING)
        except SymbiError as error:
            raise SendFailed(error.message, retryable=error.error_code != "ADDRESS_FORBIDDEN") from None

    async def call(self, work: Callable[[Any], Any]) -> Any:
        """Run `work(driver)` in a thread; raises `SendFailed` or `ChannelRefused`."""
        address = await self.address()
        return await asyncio.to_thread(self._work, address, work)

    def close(self) -> None:
        """Close the connections."""
        if self._driver is not None:
            self._driver.client.session.close()

    def _work(self, address: str, work: Callable[[Any], Any]) -> Any:
        import requests

        if self._driver is None:
            self._driver = self._make()
        self._driver.client.pin(address)
        try:
            return work(self._driver)
        except requests.RequestException as error:
            raise SendFailed(f"Mattermost was not reached: {type(error).__name__}", retryable=True) from None

    def _make(self) -> Any:
        from mattermostdriver import Driver  # type: ignore[import-untyped]  # no types are shipped

        from symbi_mattermost.driving import pinned_client

        assert self._config.bot_token is not None
        options = {
            "scheme": "https" if self.secure else "http",
            "url": self.host if ":" not in self.host else f"[{self.host}]",
            "port": self.port,
            "basepath": self.base,
            "verify": str(self._config.ca_file) if self._config.ca_file else True,
            "request_timeout": self._config.timeout_seconds,
            "token": self._config.bot_token.reveal(),
            "debug": False,
        }
        driver = Driver(options, client_cls=pinned_client())
        driver.client.token = self._config.bot_token.reveal()
        return driver


def failure_of(status: int, headers: Mapping[str, str], message: str) -> SendFailed | ChannelRefused:
    """Return what a status of the API means; `message` is the server's own, cut short."""
    text = f"Mattermost answered {status}: {message[:200]}" if message else f"Mattermost answered {status}"
    if status == _REFUSED:
        return ChannelRefused(f"Mattermost refuses the token: {message[:200]}", hint="make a new token for the bot")
    again = status in (408, 429) or status >= 500
    wait = None
    for name in ("retry-after", "x-ratelimit-reset"):
        found = next((value for key, value in headers.items() if key.lower() == name), "").strip()
        if again and wait is None and found.isascii() and found.isdigit():
            wait = float(min(int(found[:9]), 86_400))
    return SendFailed(text, retryable=again and status != 501, retry_after=wait, status=status)
