"""The file target: one JSON line for each result, appended below one directory, symbolic links refused."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import msgspec

from symbi.contracts.delivery import Delivery, DeliveryOutcome
from symbi.contracts.errors import InvalidRequest
from symbi.kernel.context import PluginContext
from symbi_deliver.config import DeliverSettings, FileConfig

__all__ = ["ResultFile", "open_file"]

_MOST_PARTS = 16


class ResultFile:
    """Implements `Target` for one file."""

    def __init__(self, directory: Path, path: str) -> None:
        self._directory = directory
        self._parts = _checked(path)

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """Append the result, flushed to the disk."""
        try:
            await asyncio.to_thread(self._append, msgspec.json.encode(delivery) + b"\n")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return DeliveryOutcome(delivered=False, error=f"{'/'.join(self._parts)}: {reason}", retryable=True)
        return DeliveryOutcome(delivered=True, reference="/".join(self._parts))

    def _append(self, line: bytes) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in self._parts[:-1]:
                folder = _step_into(folder, name)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
            handle = os.open(self._parts[-1], flags, 0o600, dir_fd=folder)
            try:
                os.write(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)
        finally:
            os.close(folder)


def _step_into(folder: int, name: str) -> int:
    try:
        try:
            os.mkdir(name, 0o700, dir_fd=folder)
        except FileExistsError:
            pass
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def _checked(path: str) -> tuple[str, ...]:
    pure = PurePosixPath(path)
    parts = pure.parts
    if pure.is_absolute() or ".." in parts or not parts or len(parts) > _MOST_PARTS or "\0" in path:
        raise InvalidRequest(
            "a delivery file lies below the deliveries directory: no absolute path, no ..", details={"field": "path"}
        )
    return parts


@asynccontextmanager
async def open_file(config: FileConfig, context: PluginContext) -> AsyncIterator[ResultFile]:
    """Open the target; raises InvalidRequest for a path outside the directory. The file is made at the first delivery."""
    chosen = context.settings.section("deliver", DeliverSettings).directory
    directory = context.settings.folder / chosen if chosen else context.data_dir / "deliveries"
    yield ResultFile(directory, config.path)
