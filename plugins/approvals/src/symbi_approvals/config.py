"""The settings of approvals."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

__all__ = ["ApprovalsConfig"]

Positive = Annotated[int, msgspec.Meta(ge=1)]


class ApprovalsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.approvals]`."""

    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 900.0
    """After this an unanswered action is denied. `SYMBIONT_ESCALATION_TIMEOUT` (seconds) wins."""
    quorum: Positive = 1
    quorums: dict[str, Positive] = {}
    """How many people of a group must approve, where it differs from `quorum`."""
    self_approval: Literal["never", "operator", "always"] = "operator"
    """Who may approve what they asked for; the shared operator's token stands for no single person."""
    max_pending: Positive = 1000
    keep_days: Positive = 90
