"""The exporter `textfile`: Prometheus text in a file, renamed into place, for node_exporter's textfile collector."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from symbi.contracts.errors import Unavailable
from symbi.contracts.metrics import MetricsExporter, MetricsSnapshot
from symbi.kernel.context import PluginContext
from symbi.kernel.kernel import core_version
from symbi_prometheus.config import TextfileConfig
from symbi_prometheus.exposition import expose

__all__ = ["open_textfile"]

_count = itertools.count(1)  # a cancelled export may still be writing its own temporary file


class _Textfile(MetricsExporter):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()

    async def export(self, snapshot: MetricsSnapshot) -> None:
        text = expose(snapshot, version=core_version(), openmetrics=False)
        async with self._lock:
            try:
                await asyncio.shield(asyncio.to_thread(self._write, text.encode()))
            except OSError as error:
                raise Unavailable(
                    f"{self._path} cannot be written: {error.strerror}", hint="[plugins.textfile] path"
                ) from error

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.{next(_count)}.tmp")
        try:
            temporary.write_bytes(content)
            temporary.chmod(0o644)
            os.replace(temporary, self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise


@asynccontextmanager
async def open_textfile(config: TextfileConfig, context: PluginContext) -> AsyncIterator[MetricsExporter]:
    """Open the exporter."""
    yield _Textfile(context.data_dir / config.path)
