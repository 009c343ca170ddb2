"""The settings of the run engine `procrastinate`."""

from __future__ import annotations

import msgspec

__all__ = ["ProcrastinateConfig"]


class ProcrastinateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The jobs live in the PostgreSQL of `[store] url`; times in seconds."""

    queue: str = "symbi"
    """The name of the queue; nodes with the same name share it."""
    concurrency: int = 64
    """Runs that one node takes from the queue at once."""
    poll_seconds: float = 5.0
    """How often the queue is looked at besides its notifications."""
