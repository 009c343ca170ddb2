"""Kernels for tests: a manager that cannot discover, settings in a temporary folder, a clock of one's own."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from symbi.kernel.clock import Clock, Ids
from symbi.kernel.kernel import Kernel
from symbi.kernel.manager import PluginManager
from symbi.kernel.settings import Settings

__all__ = ["closed_manager", "open_kernel", "test_settings"]


def closed_manager(*plugins: ModuleType | object | str) -> PluginManager:
    """Return a manager that holds only `plugins`: module objects, plain objects with hooks, or names of modules (`symbi_file.plugin`)."""
    manager = PluginManager()
    for number, plugin in enumerate(plugins):
        if isinstance(plugin, str):
            plugin = importlib.import_module(plugin)
        name = (
            getattr(plugin, "__name__", f"plugin{number}")
            .removeprefix("symbi_")
            .removesuffix(".plugin")
            .replace("_", "-")
        )
        manager.register(plugin, name.rpartition(".")[2] if name.startswith("tests") else name)
    return manager


def test_settings(
    folder: Path, tables: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return settings whose data directory is `folder/data`, with `tables` as the file's content and a bare environment."""
    return Settings(dict(tables or {}), data_dir=folder / "data", environ=dict(environ or {}))


test_settings.__test__ = False  # type: ignore[attr-defined]  # keeps pytest from collecting the helper


@asynccontextmanager
async def open_kernel(
    folder: Path,
    plugins: Iterable[ModuleType | object | str] = (),
    *,
    tables: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
) -> AsyncIterator[Kernel]:
    """Open a kernel with only the given plugins, keeping its data below `folder`."""
    settings = test_settings(folder, tables, environ=environ)
    async with Kernel(settings, manager=closed_manager(*plugins), clock=clock, ids=ids) as kernel:
        yield kernel
