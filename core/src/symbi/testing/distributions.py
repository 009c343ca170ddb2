"""Fake distributions on disk: what an installed plugin looks like, without pip."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FakeDistribution"]


class FakeDistribution:
    """Writes importable packages with entry points below one folder, which is put on `sys.path`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: set[str] = set()

    def add(
        self,
        plugin: str,
        source: str,
        *,
        distribution: str | None = None,
        version: str = "1.0",
        module: str | None = None,
    ) -> str:
        """Write a distribution with one plugin module holding `source`; return the module's name."""
        distribution = distribution or f"symbi-{plugin}"
        module = module or f"fake_{distribution.replace('-', '_')}_{plugin.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        entries = info / "entry_points.txt"
        text = entries.read_text(encoding="utf-8") if entries.exists() else "[symbi.plugins]\n"
        entries.write_text(f"{text}{plugin} = {module}\n", encoding="utf-8")
        self._modules.add(module)
        return module

    @contextmanager
    def on_path(self) -> Iterator[FakeDistribution]:
        """Make the distributions visible, and forget their modules afterwards."""
        import importlib

        sys.path.insert(0, str(self.folder))
        importlib.invalidate_caches()
        try:
            yield self
        finally:
            sys.path.remove(str(self.folder))
            for name in self._modules:
                sys.modules.pop(name, None)
