"""Configuration: the table `[plugins.mcp]`."""

from __future__ import annotations

import msgspec

from symbi.contracts.secret import Secret
from symbi.contracts.tools import Risk

__all__ = ["McpConfig", "ServerConfig"]


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server: a `command` (stdio) or a `url` (streamable HTTP)."""

    command: str = ""
    """The program that is started and spoken with over its standard input and output."""
    args: tuple[str, ...] = ()
    """Its arguments."""
    env: dict[str, Secret] = {}
    """What its environment holds besides PATH, HOME, USER, LOGNAME, SHELL and TERM; nothing else of the runtime's is passed on."""
    directory: str = ""
    """Where it is started; empty means the data directory's own folder for it."""
    url: str = ""
    """The endpoint of a server that is reached over HTTP; https, unless `allow_private`."""
    headers: dict[str, Secret] = {}
    """Sent with every request; `{ env = "NAME" }` keeps secrets out of the file."""
    allow_private: bool = False
    """Whether plain HTTP and private addresses are taken."""
    tools: tuple[str, ...] = ()
    """Globs over the server's tools that may be offered; empty means all."""
    idempotent: tuple[str, ...] = ()
    """Globs over tools that may safely be called twice; what a server claims of itself does not count."""
    risk: Risk = "medium"
    """The risk that policies see for its tools."""
    timeout_seconds: float = 30.0
    """The time of one call; a server that does not answer is stopped and started anew."""
    startup_seconds: float = 10.0
    """The time to start, shake hands and list the tools."""


class McpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.mcp]`."""

    servers: dict[str, ServerConfig] = {}
    """The servers by name: `[plugins.mcp.servers.weather]`."""
    trust_first_use: bool = True
    """Whether the tools that a server has when it is first seen count as approved; later ones never do."""
    max_tools: int = 200
    """Tools of one server that are looked at."""
    max_result_bytes: int = 8_388_608
    """The largest result of one call."""
    retry_seconds: float = 30.0
    """How long a server that failed is left alone."""
