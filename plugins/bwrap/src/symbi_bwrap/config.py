"""The settings of the executor `bwrap`."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["BwrapConfig"]


class BwrapConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sandbox sees, and the limits of the processes in it."""

    program: str = "bwrap"
    """The bubblewrap program: a name on PATH, or a path."""
    read_only: tuple[str, ...] = ()
    """Further folders and files that runs may read."""
    process: dict[str, Any] = {}
    """Settings of the executor `process`, which starts and watches the sandboxes (`memory_bytes`, `processes` …)."""
