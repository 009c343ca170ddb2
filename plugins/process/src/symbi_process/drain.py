"""Reads everything a child writes to its standard output and error, keeps the end of it, and counts the rest."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable

__all__ = ["OutputDrain"]

CHUNK = 256 * 1024
TAIL = 16 * 1024
F_SETPIPE_SZ = 1031


class OutputDrain:
    """The reading end of one child's output; never lets the pipe fill, whatever is written into it."""

    def __init__(self, descriptor: int, *, limit: int, over: Callable[[], None] | None) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._over = over
        self._tail = bytearray()
        self.total = 0
        os.set_blocking(descriptor, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, F_SETPIPE_SZ, CHUNK)
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._descriptor, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return
        self.total += len(chunk)
        # Beyond the limit nothing is kept: the tail shows what came before it.
        if self.total <= self._limit or not self._tail:
            self._tail += chunk[-TAIL:]
            del self._tail[:-TAIL]
        if self.total > self._limit and self._over is not None:
            over, self._over = self._over, None
            over()

    def text(self) -> str:
        """Return the last of what was kept, as text; says so when output was dropped."""
        kept = self._tail.decode("utf-8", "replace")
        dropped = self.total - self._limit
        return f"{kept}\n[{dropped} further bytes of output were dropped]" if dropped > 0 else kept

    def close(self) -> None:
        """Take what is still in the pipe, then close it; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        asyncio.get_running_loop().remove_reader(descriptor)
        with contextlib.suppress(OSError):
            for _ in range(4):
                chunk = os.read(descriptor, CHUNK)
                if not chunk:
                    break
                self.total += len(chunk)
                if self.total <= self._limit or not self._tail:
                    self._tail += chunk[-TAIL:]
                    del self._tail[:-TAIL]
        os.close(descriptor)
