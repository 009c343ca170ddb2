"""Writing snapshots: a temporary file in the same folder, flushed, renamed over the target, so that a reader never sees half of one."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from symbi.contracts.errors import Unavailable
from symbi.contracts.metrics import MetricsSnapshot
from symbi.kernel.context import PluginContext
from symbi_file.config import FileConfig

__all__ = ["FileMetricsExporter", "open_file"]

_STALE_SECONDS = 3600

_count = itertools.count(1)  # a cancelled export may still be writing its own temporary file


class FileMetricsExporter:
    """Writes each snapshot to `path`, atomically; with a history, appends it there too."""

    def __init__(self, path: str | Path, config: FileConfig | None = None) -> None:
        self.path = Path(path)
        self._config = config or FileConfig()
        self._history = self.path.parent / self._config.history if self._config.history else None
        self._lock = asyncio.Lock()

    async def export(self, snapshot: MetricsSnapshot) -> None:
        """Write one snapshot; raises `Unavailable` where it could not be written, and the old file is then still whole."""
        async with self._lock:
            try:
                await asyncio.shield(asyncio.to_thread(self._write, snapshot))
            except OSError as error:
                raise Unavailable(
                    f"{self.path} cannot be written: {error.strerror}",
                    hint="check the disk and the folder's permissions",
                ) from error

    def prepare(self) -> None:
        """Make the folder and remove temporary files that a killed process left behind more than an hour ago."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
                    leftover.unlink()

    def _write(self, snapshot: MetricsSnapshot) -> None:
        line = msgspec.json.encode(snapshot.wire())
        self._replace(msgspec.json.format(line, indent=2) + b"\n" if self._config.pretty else line + b"\n")
        if self._history is not None:
            self._append(line + b"\n")

    def _replace(self, content: bytes) -> None:
        target = Path(os.path.realpath(self.path))
        temporary = target.parent / f".{target.name}.{os.getpid()}.{next(_count)}.tmp"
        mode = 0o644 if self._config.readable_by_others else 0o600
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if self._config.fsync:
                    os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        if self._config.fsync:
            _sync_folder(target.parent)

    def _append(self, line: bytes) -> None:
        assert self._history is not None
        if self._history.exists() and self._history.stat().st_size + len(line) > self._config.history_max_bytes:
            self._rotate(self._history)
        descriptor = os.open(
            self._history,
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
            0o644 if self._config.readable_by_others else 0o600,
        )
        with os.fdopen(descriptor, "ab") as file:
            file.write(line)

    def _rotate(self, history: Path) -> None:
        for number in range(self._config.history_files, 0, -1):
            source = history if number == 1 else history.with_name(f"{history.name}.{number - 1}")
            if source.exists():
                os.replace(source, history.with_name(f"{history.name}.{number}"))
        if self._config.history_files == 0:
            history.unlink()


@asynccontextmanager
async def open_file(config: FileConfig, context: PluginContext) -> AsyncIterator[FileMetricsExporter]:
    """Open the exporter; raises `Unavailable` where its folder cannot be made."""
    exporter = FileMetricsExporter(context.data_dir / config.path, config)
    try:
        await asyncio.to_thread(exporter.prepare)
    except OSError as error:
        raise Unavailable(
            f"{exporter.path.parent} cannot be used: {error.strerror}", hint="[plugins.file] path"
        ) from None
    yield exporter


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
