"""What HTTP needs of the kernel: the seam between the two, so that tests can stand on a small fake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from symbi.contracts.offers import RouteGroup
    from symbi.kernel.clock import Clock
    from symbi.kernel.context import PluginContext
    from symbi.kernel.events import EventBus
    from symbi.kernel.health import HealthReport
    from symbi.kernel.records import PluginRecord
    from symbi.kernel.services import Services
    from symbi.kernel.settings import Settings
    from symbi.store import Store

__all__ = ["KernelView"]


class KernelView(Protocol):
    """The part of an opened kernel that the application is built on."""

    settings: Settings
    clock: Clock
    services: Services
    events: EventBus
    version: str

    @property
    def data_dir(self) -> Path:
        """Return the data directory."""

    @property
    def uptime_seconds(self) -> int:
        """Return whole seconds since the start."""

    @property
    def store(self) -> Store | None:
        """Return the record store, or None where there is none."""

    def routes(self) -> Sequence[tuple[str, RouteGroup]]:
        """Return `(plugin, group)` of every plugin that offers routes."""

    def context_for(self, plugin: str) -> PluginContext:
        """Return the context of one plugin."""

    def plugins(self) -> Sequence[PluginRecord]:
        """Return what is known of every plugin."""

    def blame(self, plugin: str, stage: str, error: BaseException | str, *, remedy: str = "") -> None:
        """Note a fault of a plugin."""

    async def health(self) -> HealthReport:
        """Return the health of the whole, gathered at most once a second."""
