"""Configuration of the plugin `agents`."""

from __future__ import annotations

import msgspec

__all__ = ["AgentsConfig", "FolderConfig", "MessagesConfig"]


class AgentsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[agents]`."""

    language: str = "symbi"
    """The language of definitions that come as text."""
    max_definition_bytes: int = 1_048_576
    """The largest definition that is taken."""
    max_agents: int = 100_000
    """How many agents may be registered."""


class FolderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.agent-folder]`."""

    directory: str = "agents"
    """The folder of agent files, relative to the configuration file; a missing folder is fine."""
    watch: bool = True
    """Whether changes of the files take effect while the runtime is up."""


class MessagesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.agent-messages]`."""

    max_payload_bytes: int = 262_144
    """The largest payload."""
    max_pending: int = 10_000
    """How many messages may wait for one agent."""
    max_ttl_seconds: int = 86_400
    """The longest life of a message; longer wishes are shortened to it."""
