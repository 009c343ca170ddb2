"""The settings of the Qdrant backend."""

from __future__ import annotations

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["QdrantConfig"]


class QdrantConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.qdrant]`; `QDRANT_URL` and `QDRANT_API_KEY` win, and so does `[vector_db] url` where neither is given."""

    url: str = ""
    """The server, for example `http://localhost:6333`; empty and no `path`: `http://localhost:6333`."""
    path: str = ""
    """A folder of this machine instead of a server (one process at a time), relative to the settings; `:memory:` keeps nothing."""
    api_key: Secret | None = None
    timeout_seconds: float = 30.0
    batch: int = 100
    """How many points go in one request."""
