"""Configuration of the plugin `metrics`."""

from __future__ import annotations

import msgspec

__all__ = ["MetricsConfig"]


class MetricsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[metrics]`."""

    exporters: tuple[str, ...] = ()
    """Exporters that get every snapshot; one that is not installed or cannot be built stops the start."""
    interval_seconds: float = 60.0
    """From one export to the next."""
    jitter_seconds: float = 0.0
    """Up to this much is added to each interval, so that many nodes do not export in step."""
    export_timeout_seconds: float = 10.0
    """How long one export may take; a slower one is given up and counted as failed."""
    source_timeout_seconds: float = 1.0
    """How long one source of figures may take; a slower one keeps its last figures."""
    failures_until_degraded: int = 3
    """After how many failures in a row an exporter shows in health."""

    def __post_init__(self) -> None:
        for name in ("interval_seconds", "export_timeout_seconds", "source_timeout_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if self.jitter_seconds < 0:
            raise ValueError("jitter_seconds must not be negative")
