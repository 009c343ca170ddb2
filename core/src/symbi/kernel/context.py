"""The context: everything a plugin may use, handed to its `open`, handlers and listeners."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock, Ids
    from symbi.kernel.events import EventBus
    from symbi.kernel.points import ExtensionPoint
    from symbi.kernel.services import Services
    from symbi.kernel.settings import Settings
    from symbi.kernel.tasks import Tasks
    from symbi.store import Store

__all__ = ["Opener", "PluginContext", "Shared"]


class Opener(Protocol):
    """How a context reaches the catalogue of offers; the kernel is one, a test may be another."""

    def catalogue(self, point: ExtensionPoint) -> Mapping[str, Any]:
        """Return the offers of a point by name."""

    def offers(self, point: ExtensionPoint) -> list[tuple[str, Any]]:
        """Return `(plugin, offer)` of a point, in the order of the plugins' names."""

    def faults(self, point: ExtensionPoint) -> list[str]:
        """Return one sentence for each declaration of a point that was refused."""

    def open(self, point: ExtensionPoint, name: str, config: Any = None) -> AbstractAsyncContextManager[Any]:
        """Open one offer with its own plugin's context."""


class Shared:
    """What all plugins of one kernel share."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ids: Ids,
        randomness: random.Random,
        services: Services,
        events: EventBus,
        store: Store | None,
        opener: Opener,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.ids = ids
        self.random = randomness
        self.services = services
        self.events = events
        self.store = store
        self.opener = opener


class PluginContext:
    """What one plugin sees of the runtime; `name` is the plugin's."""

    def __init__(self, name: str, shared: Shared, tasks: Tasks) -> None:
        self.name = name
        self.tasks = tasks
        self.logger = logging.getLogger(f"symbi.{name}")
        self._shared = shared

    @property
    def settings(self) -> Settings:
        """Return the settings of this start."""
        return self._shared.settings

    @property
    def environ(self) -> Mapping[str, str]:
        """Return the environment of this start, `.env` included."""
        return self._shared.settings.environ

    @property
    def data_dir(self) -> Path:
        """Return the data directory (0700), shared by all plugins: keep to a folder or file of your own name in it."""
        return self._shared.settings.data_dir

    @property
    def clock(self) -> Clock:
        """Return where time comes from."""
        return self._shared.clock

    @property
    def ids(self) -> Ids:
        """Return where identifiers come from."""
        return self._shared.ids

    @property
    def random(self) -> random.Random:
        """Return randomness for jitter and sampling, never for secrets."""
        return self._shared.random

    @property
    def services(self) -> Services:
        """Return the services of all plugins."""
        return self._shared.services

    @property
    def events(self) -> EventBus:
        """Return the event bus."""
        return self._shared.events

    @property
    def store(self) -> Store:
        """Return the record store; raises `RuntimeError` where the kernel was opened without one."""
        if self._shared.store is None:
            raise RuntimeError("this kernel was opened without a store")
        return self._shared.store

    def catalogue(self, point: ExtensionPoint) -> Mapping[str, Any]:
        """Return the offers of a point by name."""
        return self._shared.opener.catalogue(point)

    def offers(self, point: ExtensionPoint) -> list[tuple[str, Any]]:
        """Return `(plugin, offer)` of a point, in the order of the plugins' names."""
        return self._shared.opener.offers(point)

    def faults(self, point: ExtensionPoint) -> list[str]:
        """Return one sentence for each declaration of a point that was refused; a security path that finds one must not act as if all were there."""
        return self._shared.opener.faults(point)

    def open(self, point: ExtensionPoint, name: str, config: Any = None) -> AbstractAsyncContextManager[Any]:
        """Open the offer `name` of a point, with its table of the settings or with `config` (a dict or the offer's struct).

        Raises `ConfigError` where nobody offers it (the installed ones are named), `PluginError` where it cannot be opened.
        """
        return self._shared.opener.open(point, name, config)
