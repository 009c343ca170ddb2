"""The contract of exporters: subclass it with `plugin` and `name`, and give `tables` where the exporter needs settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.metrics import MetricsSnapshot, SystemFigures
from symbi.kernel.points import EXPORTERS
from symbi.testing.kernels import open_kernel

__all__ = ["ExporterContract", "a_snapshot"]


def a_snapshot(**figures: dict[str, Any]) -> MetricsSnapshot:
    """Return a snapshot with plausible figures."""
    system = SystemFigures(
        cpu_usage_percent=12.5, memory_usage_bytes=2**30, memory_total_bytes=2**34, uptime_seconds=60
    )
    return MetricsSnapshot(timestamp="2026-01-01T00:00:00Z", system=system, figures=figures)


class ExporterContract:
    """What every exporter must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The exporter's name."""
    tables: Mapping[str, Any] = {}
    """Settings, as in `symbi.toml`."""

    async def test_it_opens_exports_and_closes(self, tmp_path: Path) -> None:
        """An export of a good snapshot succeeds, several in a row too."""
        async with (
            open_kernel(tmp_path, [self.plugin], tables=self.tables) as kernel,
            kernel.open(EXPORTERS, self.name) as exporter,
        ):
            for _ in range(3):
                await exporter.export(a_snapshot())

    async def test_it_takes_blocks_it_does_not_know(self, tmp_path: Path) -> None:
        """Blocks of other plugins are no error."""
        async with (
            open_kernel(tmp_path, [self.plugin], tables=self.tables) as kernel,
            kernel.open(EXPORTERS, self.name) as exporter,
        ):
            await exporter.export(a_snapshot(reasoning={"loops": 3, "words": "many"}))

    async def test_it_is_safe_to_cancel(self, tmp_path: Path) -> None:
        """A cancelled export leaves the exporter usable."""
        async with (
            open_kernel(tmp_path, [self.plugin], tables=self.tables) as kernel,
            kernel.open(EXPORTERS, self.name) as exporter,
        ):
            task = asyncio.create_task(exporter.export(a_snapshot()))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await exporter.export(a_snapshot())

    async def test_unknown_settings_are_refused(self, tmp_path: Path) -> None:
        """A setting that it does not know is an error that names it."""
        from symbi.contracts.errors import ConfigError

        async with open_kernel(tmp_path, [self.plugin]) as kernel:
            with pytest.raises(ConfigError, match="surely_unknown"):
                async with kernel.open(EXPORTERS, self.name, {"surely_unknown": 1}):
                    pass
