"""What HTTP needs of the kernel: the seam between the two, so that tests can stand on a small fake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from symbi.contracts.health import Health, HealthState
    from symbi.contracts.offers import RouteGroup
    from symbi.kernel.clock import Clock
    from symbi.kernel.context import PluginContext
    from symbi.kernel.records import PluginRecord
    from symbi.kernel.services import Services
    from symbi.kernel.settings import Settings
    from symbi.store import Store

__all__ = ["HealthReport", "KernelView"]


class HealthReport(Protocol):
    """The verdict of all health checks: the worst state that counts, and each check's own."""

    @property
    def state(self) -> HealthState: ...
    @property
    def checks(self) -> Mapping[str, Health]: ...


class KernelView(Protocol):
    """The part of an opened kernel that the application is built on."""

    @property
    def version(self) -> str: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def services(self) -> Services: ...
    @property
    def store(self) -> Store | None: ...

    def routes(self) -> Sequence[tuple[str, RouteGroup]]:
        """Return `(plugin, group)` of every plugin that offers routes."""

    def context_for(self, plugin: str) -> PluginContext:
        """Return the context of one plugin."""

    def plugins(self) -> Sequence[PluginRecord]:
        """Return what is known of every plugin."""

    def blame(self, plugin: str, *, stage: str, error: Any) -> None:
        """Note a fault of a plugin."""

    async def health(self) -> HealthReport:
        """Run the health checks, each under a deadline."""
