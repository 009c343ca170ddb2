"""Configuration: the table `[plugins.composio]`."""

from __future__ import annotations

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["ComposioConfig"]


class ComposioConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.composio]`; `COMPOSIO_API_KEY` and `COMPOSIO_MCP_URL` win over the file."""

    api_key: Secret | None = None
    """The key; better left to the environment."""
    url: str = ""
    """The MCP endpoint; https alone."""
    hosts: tuple[str, ...] = ("backend.composio.dev", "mcp.composio.dev")
    """The hosts that the endpoint may be on."""
    ca_file: str = ""
    """A PEM file of the only authorities that are trusted for it; empty means the usual ones."""
    tools: dict[str, str] = {}
    """Exact names of tools and the digests of their definitions (`symbi composio tools` prints them). Empty: nothing is reachable."""
    require_approval: tuple[str, ...] = ()
    """Globs over tools whose every call waits for a person."""
    max_calls_per_minute: int = 60
    """How many calls may be made; a bucket that fills evenly."""
    timeout_seconds: float = 30.0
    """The time of one request."""
    approval_seconds: float = 240.0
    """How long a call waits for its approval before the agent is told to come again."""
    max_body_bytes: int = 8_388_608
    """The largest answer that is read."""
    max_tools: int = 2000
    """So many tools of the catalogue are looked through for the pinned ones."""
    allow_private: bool = False
    """Whether plain HTTP and private addresses are taken, for tests against a server of your own."""
