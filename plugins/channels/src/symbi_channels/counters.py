"""Counts of one channel, since this runtime started."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Counters"]


@dataclass
class Counters:
    """Messages by what became of them; delivery times in milliseconds, from the outbox to the platform's answer."""

    inbound: int = 0
    outbound: int = 0
    failed: int = 0
    retried: int = 0
    rate_limited: int = 0
    deduplicated: int = 0
    replayed: int = 0
    refused: int = 0
    reconnects: int = 0
    delivery_ms_total: int = 0
    delivery_ms_max: int = 0

    def delivered(self, milliseconds: int) -> None:
        """Count one message that the platform took."""
        self.outbound += 1
        self.delivery_ms_total += milliseconds
        self.delivery_ms_max = max(self.delivery_ms_max, milliseconds)

    def figures(self) -> dict[str, Any]:
        """Return the counts by name."""
        return asdict(self)
