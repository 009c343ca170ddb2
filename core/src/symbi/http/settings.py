"""`[server]` and `[auth]`: where the API listens, who may enter, and its limits."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["AuthSettings", "OpenPaths", "ServerSettings", "is_loopback"]

OpenPaths = Literal["loopback", "always", "never"]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[server]`: address, limits and what browsers may do. Sizes are bytes, times seconds."""

    host: str = "127.0.0.1"
    """The address to listen on; anything but loopback turns the rate limit on and closes the open paths."""
    port: int = 8080
    """The port; 0 takes a free one."""
    cors_origins: tuple[str, ...] = ()
    """Origins of web pages that may call the API (`https://app.example`); `*` is refused (A-09)."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-For` is believed (A-21, F-01)."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may name, beside the loopback ones; given on any other bind, only these are served."""
    docs: bool = True
    """Whether `/docs` and `/openapi.json` are served."""
    max_body_bytes: int = 2 * 1024 * 1024
    """The largest request body, where a route sets no limit of its own."""
    max_json_depth: int = 64
    """How deep objects and lists may nest in a request body."""
    body_timeout_seconds: float = 60.0
    """How long a client may take to send its body."""
    rate_limit_per_minute: int | None = None
    """Requests per minute and client; unset means none on loopback and 600 elsewhere, 0 means none."""
    idempotency_hours: float = 24.0
    """How long an answer is kept for its `Idempotency-Key`."""
    grace_seconds: float = 30.0
    """How long requests may go on once the server was asked to stop."""

    def __post_init__(self) -> None:
        for origin in self.cors_origins:
            _check_origin(origin)
        for proxy in self.trusted_proxies:
            _check_network(proxy)
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be between 0 and 65535")
        if self.max_body_bytes < 1 or self.max_json_depth < 1:
            raise ValueError("max_body_bytes and max_json_depth must be at least 1")
        if self.rate_limit_per_minute is not None and self.rate_limit_per_minute < 0:
            raise ValueError("rate_limit_per_minute must be 0 (none) or more")
        if min(self.body_timeout_seconds, self.idempotency_hours) <= 0 or self.grace_seconds < 0:
            raise ValueError("body_timeout_seconds and idempotency_hours must be above 0, grace_seconds 0 or more")


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[auth]`: the static token and the paths that may be open."""

    token: Secret | None = None
    """The administrator's bearer token; `API_AUTH_TOKEN` (or `SYMBIONT_API_TOKEN`) in the environment wins over it."""
    open_paths: OpenPaths = "loopback"
    """When `/metrics` and `/workflows/execute` need no token."""


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be reached from this machine."""
    bare = host.strip("[]").lower().rstrip(".")
    if bare == "localhost":
        return True
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _check_origin(origin: str) -> None:
    if "*" in origin:
        raise ValueError('cors_origins: "*" is refused, since any web page could then use the API; list the origins')
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError(f"cors_origins: {origin!r} is no origin; expected scheme://host[:port]")


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"trusted_proxies: {text!r} is no address or network") from None
