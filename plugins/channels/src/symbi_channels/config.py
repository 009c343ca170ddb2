"""The settings of all channels together."""

from __future__ import annotations

from typing import Annotated

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["ChannelsConfig"]

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class ChannelsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels]`."""

    allow_private_hosts: bool = False
    """Whether platforms may be reached at loopback and private addresses (a Mattermost server in the house)."""
    encryption_key: Secret | None = None
    """A Fernet key that encrypts secrets at rest; without one, `channels/secret.key` in the data directory is made. Runtimes that share a
    database need the same key."""
    max_hook_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 1024 * 1024
    """The largest request that a platform may send."""
    keep_seen_hours: Seconds = 72.0
    """How long an event is known as seen; longer than any platform redelivers."""
    give_up_hours: Seconds = 24.0
    """How long a message may wait in the outbox."""
    retry_first_seconds: Seconds = 1.0
    retry_most_seconds: Seconds = 60.0
    max_outbox: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    """Messages that may wait in one channel's outbox."""
    max_inbox: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    """Messages that may wait in one channel's inbox; a platform that sends more is asked to come again."""
    health_cache_seconds: float = 10.0
    lease_seconds: Seconds = 15.0
    """Of runtimes that share a PostgreSQL database one holds a channel; when it dies, another takes it over after this time."""
    poll_seconds: Seconds = 1.0
    """How often the holder looks for what other runtimes put into inbox and outbox."""
    sweep_seconds: Seconds = 30.0
    """How often ended runs and approvals are looked for whose event was missed."""
