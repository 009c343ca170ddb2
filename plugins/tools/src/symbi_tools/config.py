"""Configuration of the plugin `tools`."""

from __future__ import annotations

import msgspec

from symbi_tools.breakers import BreakerConfig

__all__ = ["FilesConfig", "HttpConfig", "ManifestsConfig", "ToolsConfig"]


class ToolsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tools]`."""

    toolsets: tuple[str, ...] = ()
    """Toolsets to open beside those that open by themselves; a name that is not installed stops the start."""
    disabled: tuple[str, ...] = ()
    """Tools or toolsets that are left out."""
    max_argument_bytes: int = 262_144
    """The largest arguments of one call, as JSON."""
    max_result_bytes: int = 1_048_576
    """The largest result of one call, as JSON; larger ones are an error, never cut silently."""
    max_timeout_seconds: float = 300.0
    """No tool may run longer, whatever it declares."""
    breaker: BreakerConfig = BreakerConfig()
    """When a tool that keeps failing is left alone: `{ failures, recovery_seconds, trials }`."""


class FilesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.files]`."""

    max_file_bytes: int = 1_048_576
    """The largest file that is read or written."""
    max_entries: int = 1000
    """How many names `list_files` gives."""


class HttpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.http]`."""

    timeout_seconds: float = 20.0
    """The time of one call, redirects included."""
    max_body_bytes: int = 524_288
    """How much of an answer is read."""
    max_redirects: int = 5
    """How many redirects are followed, each checked anew."""
    allow_private_hosts: tuple[str, ...] = ()
    """Host names or addresses for which loopback and private addresses are allowed."""
    user_agent: str = "symbi"
    """What the tool calls itself."""


class ManifestsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.manifests]`."""

    directory: str = "tools"
    """The folder of `*.tool.toml` files, relative to the configuration file; a missing folder is fine."""
