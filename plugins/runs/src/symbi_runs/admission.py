"""What this machine can carry at once: slots, memory and cores, taken under a run's id and always given back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from symbi.contracts.engines import QueuedRun

__all__ = ["Pool", "machine_cores", "machine_memory"]


class Pool:
    """Reservations by run id; giving back twice does nothing."""

    def __init__(self, *, slots: int, memory_bytes: int, cores: int) -> None:
        self.slots = slots
        self.memory_bytes = memory_bytes
        self.cores = cores
        self._held: dict[str, QueuedRun] = {}
        self._lent: set[str] = set()
        self._memory = 0
        self._cores = 0

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._held

    @property
    def held(self) -> int:
        """How many runs hold a slot at present."""
        return len(self._held) - len(self._lent)

    @property
    def free(self) -> tuple[int, int, int]:
        """Return free slots, bytes and thousandths of a core; negative while lent slots are taken back."""
        return self.slots - self.held, self.memory_bytes - self._memory, self.cores - self._cores

    def can_ever_hold(self, entry: QueuedRun) -> bool:
        """Tell whether the entry would fit if nothing else ran."""
        return entry.memory_bytes <= self.memory_bytes and entry.cores <= self.cores

    def fits(self, entry: QueuedRun) -> bool:
        """Tell whether the entry fits now. A delegated run needs no slot of its own: its parent has lent one."""
        slots, memory, cores = self.free
        return (slots > 0 or entry.depth > 0) and entry.memory_bytes <= memory and entry.cores <= cores

    def take(self, entry: QueuedRun) -> None:
        """Reserve what the entry needs."""
        self._held[entry.run_id] = entry
        self._memory += entry.memory_bytes
        self._cores += entry.cores

    def give_back(self, run_id: str) -> None:
        """Free what the run holds."""
        entry = self._held.pop(run_id, None)
        self._lent.discard(run_id)
        if entry is not None:
            self._memory -= entry.memory_bytes
            self._cores -= entry.cores

    @contextlib.contextmanager
    def lend(self, run_id: str) -> Iterator[None]:
        """Free the run's slot while it only waits; afterwards it has it again, even if that is one too many."""
        fresh = run_id in self._held and run_id not in self._lent
        if fresh:
            self._lent.add(run_id)
        try:
            yield
        finally:
            if fresh:
                self._lent.discard(run_id)


def machine_memory() -> int:
    """Return the bytes of memory that this machine, or the cgroup that holds this process, has."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return min(total, int(Path(place).read_text()))
    return total


def machine_cores() -> int:
    """Return the thousandths of cores that this process may use."""
    import os

    cores = len(os.sched_getaffinity(0)) * 1000
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            return min(cores, int(quota) * 1000 // int(period))
    return cores
