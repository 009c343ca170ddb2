"""Discovery: stevedore finds and imports the modules of the one entry-point group, filtered before import."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stevedore.extension import Extension, ExtensionManager

from symbi.kernel.records import PluginRecord

__all__ = ["GROUP", "Found", "discover"]

GROUP = "symbi.plugins"


@dataclass(frozen=True)
class Found:
    """One plugin module that was imported, with its record."""

    record: PluginRecord
    module: Any


class _ImportFailure(Exception):
    """Carries whatever a plugin raised at import: stevedore lets AssertionError through and does not see SystemExit."""


class _Uncached(ExtensionManager[Any]):
    """stevedore without its cache on disk, which is stale for minutes after a reinstall and loses the distribution."""

    def __init__(
        self,
        wanted: Callable[[importlib.metadata.EntryPoint], bool],
        failed: Callable[[importlib.metadata.EntryPoint, BaseException], None],
    ) -> None:
        self._wanted = wanted
        self.import_ms: dict[str, float] = {}
        super().__init__(
            GROUP, on_load_failure_callback=lambda _manager, entry, error: failed(entry, error.__cause__ or error)
        )

    def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
        return [entry for entry in entry_points() if self._wanted(entry)]

    def _load_one_plugin(self, ep: importlib.metadata.EntryPoint, *args: Any) -> Extension[Any] | None:
        started = time.perf_counter()
        try:
            return super()._load_one_plugin(ep, *args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _ImportFailure from error
        finally:
            self.import_ms[ep.name] = (time.perf_counter() - started) * 1000


def entry_points() -> list[importlib.metadata.EntryPoint]:
    """Return the installed entry points of the group, sorted by name; of two that claim one name `symbi-NAME` comes first, so that none takes it."""
    found = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name)
    if len({entry.name for entry in found}) < len(found):  # only then is every distribution's metadata worth reading
        found.sort(key=_distribution)
        found.sort(key=lambda entry: (entry.name, _distribution(entry).split()[0] != f"symbi-{entry.name}"))
    return found


def discover(*, disabled: Sequence[str] = (), only: Sequence[str] = ()) -> tuple[list[Found], list[PluginRecord]]:
    """Import the plugins that are installed and wanted; return what was imported, and the records of the others with the reason.

    A plugin that is disabled, or not in a non-empty `only`, is never imported. A plugin that raises at import, whatever it raises, is recorded.
    """
    others: list[PluginRecord] = []
    seen: dict[str, importlib.metadata.EntryPoint] = {}

    def wanted(entry: importlib.metadata.EntryPoint) -> bool:
        if entry.name in seen:
            rival = seen[entry.name]
            record = _record(entry, "broken")
            record.blame(
                "discover",
                f"the name {entry.name!r} is already taken by {_distribution(rival)}",
                remedy=f"uninstall {_distribution(entry)} or {_distribution(rival)}",
            )
            others.append(record)
            return False
        seen[entry.name] = entry
        if entry.name in disabled or (only and entry.name not in only):
            others.append(_record(entry, "disabled"))
            return False
        return True

    def failed(entry: importlib.metadata.EntryPoint, error: BaseException) -> None:
        record = _record(entry, "broken")
        record.blame("import", f"{type(error).__name__}: {error}", remedy=_import_remedy(entry, error))
        others.append(record)

    manager = _Uncached(wanted, failed)
    found = []
    for extension in manager.extensions:
        record = _record(extension.entry_point, "registered")
        record.import_ms = round(manager.import_ms[extension.name], 2)
        found.append(Found(record, extension.plugin))
    return found, others


def _record(entry: importlib.metadata.EntryPoint, state: Any) -> PluginRecord:
    facts = entry.dist.metadata if entry.dist else {"Name": "", "Version": ""}  # read once: it is parsed anew each time
    return PluginRecord(
        name=entry.name, state=state, distribution=facts["Name"], version=facts["Version"], module=entry.value
    )


def _distribution(entry: importlib.metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _import_remedy(entry: importlib.metadata.EntryPoint, error: BaseException) -> str:
    name = entry.dist.name if entry.dist else entry.name
    if isinstance(error, ModuleNotFoundError):
        return f"reinstall it with its dependencies: pip install --force-reinstall {name}"
    return f"report it to the authors of {name}, or disable it: [plugins] disabled = [{entry.name!r}]"
