"""Lifecycle: services are opened in the order of their needs, timed and blamed, retried where that can help, closed in reverse."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from symbi.contracts.errors import ConfigError, PluginError, SymbiError, Unavailable
from symbi.contracts.health import unhealthy
from symbi.contracts.offers import Offer, Service, load
from symbi.kernel.context import PluginContext
from symbi.kernel.health import HealthBoard, check_of
from symbi.kernel.manager import Declared
from symbi.kernel.records import PluginRecord
from symbi.kernel.services import Services
from symbi.kernel.settings import Settings

__all__ = ["Lifecycle", "config_for", "open_offer"]

_log = logging.getLogger("symbi.lifecycle")
_RETRY_FIRST, _RETRY_MOST = 0.5, 60.0


def config_for(offer: Offer, settings: Settings, given: Any = None) -> Any:
    """Return the configuration of an offer: `given` (its struct, or a dict to be validated), else its table of the settings."""
    kind = offer.config_type()
    path = offer.table or f"plugins.{offer.name}"
    if given is None:
        return settings.section(path, kind)
    return given if isinstance(given, kind) else settings.decode(given, kind, path)


async def open_offer(
    offer: Offer, config: Any, context: PluginContext, *, deadline: float, stage: str
) -> tuple[Any, AbstractAsyncContextManager[Any]]:
    """Enter an offer's context manager within `deadline` seconds and return the thing and its manager.

    Raises what `open` raises where that is a `SymbiError`, and `PluginError` naming the plugin otherwise (deadline included).
    """
    try:
        manager = offer.opener()(config, context)
        async with asyncio.timeout(deadline):
            return await manager.__aenter__(), manager
    except SymbiError:
        raise
    except TimeoutError:
        raise PluginError(
            f"{stage} of plugin {context.name!r} did not open within {deadline:g} s",
            plugin=context.name,
            hint="raise [plugins] open_timeout_seconds, or disable the plugin",
        ) from None
    except Exception as error:
        _log.debug("%s failed to open", stage, exc_info=True)
        raise PluginError(
            f"{stage} of plugin {context.name!r} could not be opened: {type(error).__name__}: {error}",
            plugin=context.name,
            hint="symbi plugins doctor",
        ) from error


class Lifecycle:
    """Opens and closes the services of all plugins."""

    def __init__(
        self,
        *,
        settings: Settings,
        services: Services,
        health: HealthBoard,
        context_for: Callable[[str], PluginContext],
    ) -> None:
        self._settings = settings
        self._services = services
        self._health = health
        self._context_for = context_for
        self._opened: list[tuple[str, type, AbstractAsyncContextManager[Any]]] = []
        self._retries: list[asyncio.Task[None]] = []

    async def open(self, declared: list[Declared]) -> None:
        """Open every service whose needs are met; what fails is recorded, and the rest opens.

        Raises `ConfigError` for a wrong setting, and the service's own error where it is critical or named in the configuration.
        """
        for entry in _ordered(declared):
            missing = self._missing(entry.item)
            if missing:
                self._skip(entry, f"it needs {', '.join(missing)}, which nobody provides")
                continue
            try:
                await self._open_one(entry)
            except Unavailable as error:
                self._failed(entry, error)
                self._retries.append(
                    asyncio.get_running_loop().create_task(self._retry(entry), name=f"retry:{entry.item.name}")
                )
            except SymbiError as error:
                self._failed(entry, error)

    async def close(self, *, deadline: float = 40.0) -> None:
        """Close what is open, last opened first; a failing or hanging one is logged and does not hold back the others."""
        for task in self._retries:
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)
        while self._opened:
            name, protocol, manager = self._opened.pop()
            self._services.withdraw(protocol)
            self._health.remove(name)
            try:
                async with asyncio.timeout(deadline):
                    await manager.__aexit__(None, None, None)
            except TimeoutError:
                _log.error("service %s did not close within %g s", name, deadline)
            except Exception:
                _log.exception("service %s failed while closing", name)

    async def _open_one(self, entry: Declared) -> None:
        service: Service = entry.item
        started = time.perf_counter()
        try:
            protocol = load(service.provides)
            config = config_for(service, self._settings)
        except ConfigError:
            raise
        except Exception as error:
            raise PluginError(
                f"service {service.name!r} of plugin {entry.plugin.name!r}: {type(error).__name__}: {error}",
                plugin=entry.plugin.name,
                hint="symbi plugins doctor",
            ) from error
        context = self._context_for(entry.plugin.name)
        thing, manager = await open_offer(
            service,
            config,
            context,
            deadline=self._settings.plugins.open_timeout_seconds,
            stage=f"service {service.name!r}",
        )
        entry.plugin.open_ms[service.name] = round((time.perf_counter() - started) * 1000, 2)
        self._services.provide(protocol, thing, plugin=entry.plugin.name)
        self._opened.append((service.name, protocol, manager))
        check = check_of(thing)
        if check is not None:
            self._health.add(service.name, check, critical=service.critical)
        if entry.plugin.state == "registered":
            entry.plugin.state = "ready"

    async def _retry(self, entry: Declared) -> None:
        pause = _RETRY_FIRST
        while True:
            await asyncio.sleep(pause)
            try:
                await self._open_one(entry)
            except SymbiError as error:
                pause = min(pause * 2, _RETRY_MOST)
                self._health.note(entry.item.name, unhealthy(str(error)))
                continue
            stage = f"open:{entry.item.name}"
            entry.plugin.faults[:] = [fault for fault in entry.plugin.faults if fault.stage != stage]
            entry.plugin.state = "degraded" if entry.plugin.faults else "ready"
            self._health.note(entry.item.name, None)
            _log.info("service %s is open now", entry.item.name)
            return

    def _failed(self, entry: Declared, error: SymbiError) -> None:
        service: Service = entry.item
        strict = (
            isinstance(error, ConfigError)
            or service.critical
            or self._settings.mentions(service.table or f"plugins.{service.name}")
        )
        if service.critical or (strict and not isinstance(error, Unavailable)):
            raise error
        self._note(entry, str(error), error.hint or "")

    def _skip(self, entry: Declared, reason: str) -> None:
        if entry.item.critical:
            raise PluginError(
                f"service {entry.item.name!r} of plugin {entry.plugin.name!r} cannot be opened: {reason}",
                plugin=entry.plugin.name,
                hint="symbi plugins doctor",
            )
        self._note(entry, reason, "install or enable the plugin that provides it")

    def _note(self, entry: Declared, reason: str, remedy: str) -> None:
        _log.warning("service %s of plugin %s is off: %s", entry.item.name, entry.plugin.name, reason)
        entry.plugin.blame(f"open:{entry.item.name}", reason, remedy=remedy)
        self._health.note(entry.item.name, unhealthy(reason, remedy=remedy))
        try:
            self._services.explain(load(entry.item.provides), reason)
        except Exception:
            _log.debug("the protocol of %s cannot be loaded either", entry.item.name)

    def _missing(self, service: Service) -> list[str]:
        missing = []
        for need in service.requires:
            try:
                protocol = load(need)
            except Exception:
                missing.append(str(need))
                continue
            if self._services.maybe(protocol) is None:
                missing.append(protocol.__name__)
        return missing


def _ordered(declared: list[Declared]) -> list[Declared]:
    """Return the services so that each comes after those it needs, by name where that leaves a choice.

    Raises `PluginError` where services need each other in a circle; needs that are only optional give way.
    """
    providers = {_label(entry.item.provides): entry for entry in declared}
    done: list[Declared] = []
    state: dict[int, str] = {}

    def visit(entry: Declared, path: tuple[str, ...]) -> None:
        mark = state.get(id(entry))
        if mark == "done":
            return
        if mark == "open":
            raise PluginError(
                f"services need each other in a circle: {' → '.join((*path, entry.item.name))}",
                plugin=entry.plugin.name,
                hint="make one of the needs optional",
            )
        state[id(entry)] = "open"
        for need in entry.item.requires:
            if _label(need) in providers:
                visit(providers[_label(need)], (*path, entry.item.name))
        for need in entry.item.optional:
            other = providers.get(_label(need))
            if other is not None and state.get(id(other)) is None and not _reaches(other, entry, providers):
                visit(other, (*path, entry.item.name))
        state[id(entry)] = "done"
        done.append(entry)

    for entry in sorted(declared, key=lambda each: each.item.name):
        visit(entry, ())
    return done


def _reaches(start: Declared, goal: Declared, providers: dict[str, Declared]) -> bool:
    """Tell whether `start` needs `goal`, directly or through others."""
    pending, seen = [start], set()
    while pending:
        entry = pending.pop()
        if entry is goal:
            return True
        if id(entry) in seen:
            continue
        seen.add(id(entry))
        needs = (*entry.item.requires, *entry.item.optional)
        pending.extend(providers[_label(need)] for need in needs if _label(need) in providers)
    return False


def _label(ref: Any) -> str:
    return ref if isinstance(ref, str) else f"{ref.__module__}:{ref.__qualname__}"


def blame_all(records: dict[str, PluginRecord]) -> list[str]:
    """Return one line for each fault of each plugin, for the start's summary."""
    return [f"{record.name}: {fault.stage}: {fault.error}" for record in records.values() for fault in record.faults]
