"""Settings of the second opinions: `[plugins.opinions]`."""

from __future__ import annotations

import msgspec

__all__ = ["OpinionsConfig"]


class OpinionsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The longest time one scanner may take, in seconds of wall clock."""

    deadline_seconds: float = 30.0
