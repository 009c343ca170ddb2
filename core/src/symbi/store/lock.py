"""One runtime per SQLite file: a lock file that the kernel of the machine releases when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from symbi.contracts.errors import StoreLocked, StoreUnavailable

__all__ = ["OwnerLock"]


class OwnerLock:
    """An exclusive `flock` on a file beside the database, which names its holder for the one who comes second."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def take(self) -> None:
        """Take the lock or raise `StoreLocked`, which names the holder's process id and the remedy."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"cannot write the lock file {self.path}: {error.strerror}",
                hint="make the directory writable for this user, or choose another with --data-dir",
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StoreUnavailable(f"cannot lock {self.path}: {error.strerror}") from error
            raise StoreLocked(
                f"the store {self.path.with_suffix('')} is in use by process {holder or 'unknown'}",
                hint="stop that process, or start this one with another --data-dir",
                details={"pid": int(holder) if holder.isdigit() else None},
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; if it is not held, this does nothing. The file stays: removing it would race with a taker."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
