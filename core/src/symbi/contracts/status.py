"""What `GET /api/v1/status` counts: any service that has `status_counts` is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["StatusSource"]


class StatusSource(Protocol):
    """A service that knows how many of something there are.

    Names that are shown: `agent_count`, `schedule_count`, `channel_count`; other names are shown beside them.
    """

    async def status_counts(self) -> Mapping[str, int]:
        """Return counts by name, quickly: it is asked on every call of the status page."""
