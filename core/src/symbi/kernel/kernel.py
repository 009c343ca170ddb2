"""The kernel: opens the house, holds it, closes it."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import ConfigError, StoreTooNew, SymbiError
from symbi.contracts.offers import Offer, RouteGroup, Tables, load
from symbi.kernel.clock import Clock, Ids, SystemClock, SystemIds
from symbi.kernel.context import PluginContext, Shared
from symbi.kernel.events import EventBus
from symbi.kernel.health import HealthBoard, HealthReport
from symbi.kernel.lifecycle import Lifecycle, blame_all, config_for, open_offer
from symbi.kernel.manager import Declared, PluginManager
from symbi.kernel.points import (
    EVENT_LISTENERS,
    HEALTH_CHECKS,
    POINTS,
    ROUTES,
    SERVICES,
    TABLES,
    ExtensionPoint,
)
from symbi.kernel.records import PluginRecord
from symbi.kernel.services import Services
from symbi.kernel.settings import Settings
from symbi.kernel.tasks import Tasks

if TYPE_CHECKING:
    from symbi.store import Store

__all__ = ["Kernel", "core_version"]

_log = logging.getLogger("symbi.kernel")
CORE = "core"
CORE_TABLES_OFFER = Tables(name="http", load="symbi.http.tables:METADATA", migrations="symbi.http.migrations")
"""The core's own tables (answers kept for idempotency keys), named by reference so that the kernel imports nothing of HTTP."""


def core_version() -> str:
    """Return the version of the installed kernel."""
    return importlib.metadata.version("symbi-core")


class Kernel:
    """One runtime: its plugins, services, store and events.

    `async with Kernel(settings) as kernel:` opens everything and closes it in reverse. `manager` may be given with plugins already registered (tests,
    embedding); otherwise the installed ones are discovered, as `[plugins]` says.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        manager: PluginManager | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.ids: Ids = ids or SystemIds()
        self.services = Services()
        self.events = EventBus()
        self.board = HealthBoard()
        self.version = core_version()
        self.manager = manager or discovered(settings)
        self.started_at = self.clock.now()
        self._started = self.clock.monotonic()
        self._shared = Shared(
            settings=settings,
            clock=self.clock,
            ids=self.ids,
            randomness=randomness or random.Random(),  # noqa: S311  # spreads work in time, protects nothing
            services=self.services,
            events=self.events,
            store=None,
            opener=self,
        )
        self._contexts: dict[str, PluginContext] = {}
        self._without_tables: set[str] = set()
        self._lifecycle = Lifecycle(
            settings=settings, services=self.services, health=self.board, context_for=self.context_for
        )

    @property
    def data_dir(self) -> Any:
        """Return the data directory."""
        return self.settings.data_dir

    @property
    def uptime_seconds(self) -> int:
        """Return whole seconds since the kernel was made."""
        return int(self.clock.monotonic() - self._started)

    @property
    def store(self) -> Store | None:
        """Return the record store, or None before it is open."""
        return self._shared.store

    async def __aenter__(self) -> Kernel:
        try:
            self._check_settings()
            await self._open_store()
            usable = [
                entry for entry in self.manager.collect(SERVICES) if entry.plugin.name not in self._without_tables
            ]
            await self._lifecycle.open(usable)
            self._listen()
            self._watch()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        for record in self.manager.records.values():
            if record.state == "registered":
                record.state = "ready"
        for line in blame_all(self.manager.records):
            _log.warning("%s", line)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._lifecycle.close()
        await self.events.close()
        for context in self._contexts.values():
            await context.tasks.close()
        if self._shared.store is not None:
            await self._shared.store.close()
            self._shared.store = None

    def context_for(self, plugin: str) -> PluginContext:
        """Return the context of a plugin (`core` for the kernel's own parts)."""
        if plugin not in self._contexts:
            self._contexts[plugin] = PluginContext(plugin, self._shared, Tasks(plugin))
        return self._contexts[plugin]

    def catalogue(self, point: ExtensionPoint) -> Mapping[str, Any]:
        """Return the offers of a point by name."""
        return self.manager.catalogue(point)

    def offers(self, point: ExtensionPoint) -> list[tuple[str, Any]]:
        """Return `(plugin, offer)` of a point, in the order of the plugins' names."""
        return [(entry.plugin.name, entry.item) for entry in self.manager.collect(point)]

    def faults(self, point: ExtensionPoint) -> list[str]:
        """Return one sentence for each declaration of a point that was refused."""
        self.manager.collect(point)
        records = self.manager.records.values()
        stage = f"declare:{point.hook}"
        return [
            f"{record.name}: {fault.error}" for record in records for fault in record.faults if fault.stage == stage
        ]

    @asynccontextmanager
    async def open(self, point: ExtensionPoint, name: str, config: Any = None) -> AsyncIterator[Any]:
        """Open one offer with its own plugin's context; raises `ConfigError` for an unknown name, `PluginError` where it fails."""
        entry = self.manager.owner(point, name)
        if entry is None:
            known = ", ".join(sorted(self.manager.catalogue(point))) or "none"
            raise ConfigError(
                f"no {point.noun} {name!r} is installed (installed: {known})",
                path=name,
                hint=f"pip install symbi-{name}, or choose another",
            )
        offer: Offer = entry.item
        context = self.context_for(entry.plugin.name)
        thing, manager = await open_offer(
            offer,
            config_for(offer, self.settings, config),
            context,
            deadline=self.settings.plugins.open_timeout_seconds,
            stage=f"{point.noun} {name!r}",
        )
        async with _closing(manager):
            yield thing

    async def health(self) -> HealthReport:
        """Return the health of the whole."""
        return await self.board.report()

    def plugins(self) -> list[PluginRecord]:
        """Return what is known of each plugin, by name."""
        for point in POINTS.values():
            self.manager.collect(point)
        return [self.manager.records[name] for name in sorted(self.manager.records)]

    def routes(self) -> list[tuple[str, RouteGroup]]:
        """Return `(plugin, route group)` of all plugins."""
        return self.offers(ROUTES)

    def blame(self, plugin: str, stage: str, error: BaseException | str, *, remedy: str = "") -> None:
        """Note a fault of a plugin; the rest goes on."""
        text = (
            error
            if isinstance(error, str)
            else str(error)
            if isinstance(error, SymbiError)
            else f"{type(error).__name__}: {error}"
        )
        _log.warning("plugin %s: %s: %s", plugin, stage, text)
        if plugin in self.manager.records:
            self.manager.records[plugin].blame(stage, text, remedy=remedy)

    def _check_settings(self) -> None:
        records = self.manager.records
        tables, plugin_tables = {"metrics", "vector_db", "llm", "execution"}, set(records)
        for point in POINTS.values():
            if isinstance(point.offer, str) and point.offer.startswith(
                ("symbi.contracts.offers:R", "symbi.contracts.offers:C", "symbi.contracts.offers:T")
            ):
                continue
            for entry in self.manager.collect(point):
                if isinstance(entry.item, Offer):
                    tables.add(entry.item.table.split(".")[0]) if entry.item.table else plugin_tables.add(
                        entry.item.name
                    )
        self.settings.check_tables(tables, plugin_tables)

    async def _open_store(self) -> None:
        from symbi.store import Store

        data_dir = self.settings.data_dir
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(data_dir, 0o700)
        except OSError as error:
            raise ConfigError(
                f"the data directory {data_dir} cannot be used: {error.strerror}",
                path="data_dir",
                hint="choose another with --data-dir or SYMBI_DATA_DIR",
            ) from None
        url = self.settings.store.url or f"sqlite:///{data_dir / 'symbi.db'}"
        store = await Store.open(url, base=self.settings.folder)
        self._shared.store = store
        await store.upgrade([CORE_TABLES_OFFER])
        declared = self.manager.collect(TABLES)
        report = await store.upgrade([entry.item for entry in declared], strict=False)
        for entry in declared:
            failure = report.failed.get(entry.item.name)
            if isinstance(failure, StoreTooNew):
                raise failure  # a newer version wrote it: going on without would lose what it knows
            if failure is not None:
                remedy = failure.hint or "upgrade the plugin"
                self.blame(entry.plugin.name, f"tables:{entry.item.name}", failure, remedy=remedy)
                self._without_tables.add(entry.plugin.name)
        self.board.add("store", store.health, critical=True)

    def _listen(self) -> None:
        for entry, (event, listen) in self._loaded(EVENT_LISTENERS, "event", "listen"):
            handler = _bound(listen, self.context_for(entry.plugin.name))
            self.events.subscribe(event, handler, name=f"{entry.plugin.name}:{entry.item.name}")

    def _watch(self) -> None:
        for entry, (check,) in self._loaded(HEALTH_CHECKS, "check"):
            context = self.context_for(entry.plugin.name)
            self.board.add(entry.item.name, partial(check, context), critical=entry.item.critical)

    def _loaded(self, point: ExtensionPoint, *fields: str) -> Iterator[tuple[Declared, list[Any]]]:
        """Yield the declarations of a point with what their references name; one that cannot be loaded is blamed."""
        for entry in self.manager.collect(point):
            try:
                yield entry, [load(getattr(entry.item, field)) for field in fields]
            except Exception as error:
                self.blame(entry.plugin.name, f"{point.hook}:{entry.item.name}", error)


def discovered(settings: Settings) -> PluginManager:
    """Return a manager with the installed plugins that the settings let in."""
    manager = PluginManager()
    manager.discover(disabled=settings.plugins.disabled, only=settings.plugins.only)
    return manager


def _bound(listen: Callable[..., Any], context: PluginContext) -> Callable[[Any], Any]:
    async def handle(event: Any) -> None:
        await listen(event, context)

    return handle


@asynccontextmanager
async def _closing(manager: AbstractAsyncContextManager[Any]) -> AsyncIterator[None]:
    """Leave a context manager that was entered by hand, telling it of an exception as `async with` would."""
    try:
        yield
    except BaseException as error:
        if not await manager.__aexit__(type(error), error, error.__traceback__):
            raise
    else:
        await manager.__aexit__(None, None, None)
