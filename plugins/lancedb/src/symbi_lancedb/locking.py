"""One writer at a time: LanceDB lets two processes insert the same key twice (measured), so writes of a folder take a lock."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from symbi.contracts.vectors import VectorBackendFailed

__all__ = ["WriteLock"]


class WriteLock:
    """A lock of this process and of all others that use the same folder; waiting costs no thread."""

    def __init__(self, path: Path, *, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._mine = asyncio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the lock; raises `VectorBackendFailed` when another process does not let go."""
        async with self._mine:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                await self._take(fd)
                yield
            finally:
                os.close(fd)  # closing it gives the lock back

    async def _take(self, fd: int) -> None:
        until = asyncio.get_running_loop().time() + self._patience
        pause = 0.001
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if asyncio.get_running_loop().time() > until:
                    raise VectorBackendFailed(
                        f"another process has been writing to {self._path.parent} for {self._patience:g} s",
                        hint="look for a hanging symbi process, or raise [plugins.lancedb] lock_seconds",
                    ) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)
