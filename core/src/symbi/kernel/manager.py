"""The plugin manager: pluggy validates, this attributes, isolates and catalogues."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import pluggy

from symbi.contracts.errors import ConfigError
from symbi.kernel import hookspecs
from symbi.kernel.discovery import discover
from symbi.kernel.points import POINTS, ExtensionPoint
from symbi.kernel.records import PluginRecord

__all__ = ["Declared", "PluginManager"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\- ]{0,99}")


class Declared:
    """One declaration and the plugin that made it."""

    __slots__ = ("item", "plugin")

    def __init__(self, plugin: PluginRecord, item: Any) -> None:
        self.plugin = plugin
        self.item = item


class PluginManager:
    """Holds the plugins and what they declare; a failing plugin costs only itself.

    `discover()` finds installed plugins; `register(module, name)` takes one directly (tests, embedding) and returns its undo.
    """

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self.records: dict[str, PluginRecord] = {}
        self._catalogue: dict[str, dict[str, list[Declared]]] = {}

    def discover(self, *, disabled: Iterable[str] = (), only: Iterable[str] = ()) -> None:
        """Find and register the installed plugins; names in `disabled`, or outside a non-empty `only`, are never imported.

        Raises `ConfigError` where `only` names a plugin that is not installed.
        """
        found, others = discover(disabled=tuple(disabled), only=tuple(only))
        known = {each.record.name for each in found} | {record.name for record in others}
        for name in only:
            if name not in known:
                raise ConfigError(
                    f"[plugins] only names {name!r}, which is not installed{_meant(name, known)}",
                    path="plugins.only",
                    hint=f"pip install symbi-{name}",
                )
        for each in found:
            self._register(each.module, each.record)
        for record in others:
            self.records.setdefault(record.name, record) if record.state == "disabled" else self._keep(record)

    def register(
        self, plugin: ModuleType | object, name: str, *, distribution: str = "", version: str = ""
    ) -> PluginRecord:
        """Register a plugin object directly and return its record."""
        record = PluginRecord(
            name=name,
            state="registered",
            distribution=distribution,
            version=version,
            module=getattr(plugin, "__name__", ""),
        )
        self._register(plugin, record)
        return record

    def unregister(self, name: str) -> None:
        """Take a plugin out again; an unknown name is ignored."""
        if self._pluggy.get_plugin(name) is not None:
            self._pluggy.unregister(name=name)
        self.records.pop(name, None)
        self._catalogue.clear()

    def collect(self, point: ExtensionPoint) -> list[Declared]:
        """Return every valid declaration for the point, in the order of the plugins' names."""
        return [entry for entries in self._entries(point).values() for entry in entries]

    def catalogue(self, point: ExtensionPoint) -> Mapping[str, Any]:
        """Return the declarations of the point by name; for a `shared` point the last of each name."""
        return {key: entries[-1].item for key, entries in self._entries(point).items()}

    def owner(self, point: ExtensionPoint, name: str) -> Declared | None:
        """Return the declaration called `name` with its plugin, or None."""
        entries = self._entries(point).get(name)
        return entries[-1] if entries else None

    def _keep(self, record: PluginRecord) -> None:
        name = record.name
        while name in self.records:
            name += "'"
        self.records[name] = record

    def _register(self, plugin: ModuleType | object, record: PluginRecord) -> None:
        self._keep(record)
        self._catalogue.clear()
        try:
            self._pluggy.register(plugin, record.name)
        except Exception as error:
            record.state = "broken"
            record.blame("register", str(error), remedy="its hooks must have the signatures of symbi.kernel.hookspecs")
            self._pluggy.unregister(name=record.name) if self._pluggy.get_plugin(record.name) else None
            return
        for caller in self._pluggy.get_hookcallers(plugin) or ():
            if caller.name in POINTS:
                record.hooks.append(caller.name)
            else:
                record.blame(
                    "register",
                    f"unknown hook {caller.name!r}{_meant(caller.name, POINTS)}",
                    remedy="rename the hook, or upgrade symbi-core",
                )

    def _entries(self, point: ExtensionPoint) -> dict[str, list[Declared]]:
        if point.hook not in self._catalogue:
            self._catalogue[point.hook] = self._declare(point)
        return self._catalogue[point.hook]

    def _declare(self, point: ExtensionPoint) -> dict[str, list[Declared]]:
        entries: dict[str, list[Declared]] = {}
        hook = getattr(self._pluggy.hook, point.hook)
        for implementation in sorted(hook.get_hookimpls(), key=lambda each: each.plugin_name):
            record = self.records[implementation.plugin_name]
            try:
                items = list(implementation.function() or ())
            except Exception as error:
                record.blame(
                    f"declare:{point.hook}",
                    f"{type(error).__name__}: {error}",
                    remedy=f"report it to the authors of {record.source}",
                )
                continue
            for item in items:
                self._admit(point, record, item, entries)
        return entries

    def _admit(
        self, point: ExtensionPoint, record: PluginRecord, item: Any, entries: dict[str, list[Declared]]
    ) -> None:
        stage = f"declare:{point.hook}"
        if not isinstance(item, point.offer_type()):
            record.blame(
                stage,
                f"yields {type(item).__name__}, expected {point.offer_type().__name__}",
                remedy="see the hook's page in the documentation",
            )
            return
        name = getattr(item, point.key)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            record.blame(
                stage,
                f"{point.noun} has an unusable name {name!r}",
                remedy="use lower-case letters, digits, '-', '_' and '.'",
            )
            return
        if name in entries and not point.shared:
            rival = entries[name][0].plugin
            record.blame(
                stage,
                f"{point.noun} {name!r} of {record.source} is already taken by plugin {rival.name!r} ({rival.source})",
                remedy=f"disable one of them: [plugins] disabled = [{record.name!r}]",
            )
            return
        entries.setdefault(name, []).append(Declared(record, item))
        label = f"{point.hook}:{name}"
        if label not in record.offers:
            record.offers.append(label)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
