"""What the kernel knows of each plugin: where it came from, how far it got, and what went wrong."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Fault", "PluginRecord", "PluginState"]

PluginState = Literal["disabled", "broken", "incompatible", "registered", "ready", "degraded"]
"""disabled: filtered before import; broken: import or validation failed; incompatible: it asks for another version of something;
registered: declarations are in; ready: everything of it that was opened is open; degraded: a part of it failed and the rest works."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went wrong in a plugin: the stage (`import`, `declare`, `open:<service>`, `routes` …), the error and the next step."""

    stage: str
    error: str
    remedy: str = ""


class PluginRecord(msgspec.Struct, kw_only=True):
    """One plugin as `symbi plugins list` and `GET /api/v1/plugins` show it; times are in milliseconds."""

    name: str
    state: PluginState
    distribution: str = ""
    version: str = ""
    module: str = ""
    hooks: list[str] = []
    offers: list[str] = []
    faults: list[Fault] = []
    import_ms: float = 0.0
    open_ms: dict[str, float] = {}

    @property
    def error(self) -> str | None:
        """Return the first fault in one line, or None."""
        return f"{self.faults[0].stage}: {self.faults[0].error}" if self.faults else None

    @property
    def source(self) -> str:
        """Return `distribution version`, for messages."""
        return f"{self.distribution} {self.version}".strip() or self.module or self.name

    def blame(self, stage: str, error: str, *, remedy: str = "") -> None:
        """Note a fault; a plugin that had got through becomes degraded."""
        self.faults.append(Fault(stage=stage, error=error, remedy=remedy))
        if self.state in ("registered", "ready"):
            self.state = "degraded"
