"""The queue of runs that are due: priorities that age, and a fair share for every agent and principal.

Pure and in memory; the store is the truth, and a claim there decides. A run's rank is the moment it was queued, minus the head start of
its priority, so that ageing needs no clock: who waits long enough has the smallest rank whatever comes later.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable

from symbi.contracts.engines import QueuedRun

__all__ = ["LEVELS", "ReadyQueue", "rank_of"]

LEVELS = {"low": 0, "normal": 1, "high": 2, "critical": 3}


def rank_of(priority: str, *, now_ms: int, ageing_seconds: float) -> int:
    """Return the rank of a run that is queued now."""
    return now_ms - int(LEVELS[priority] * ageing_seconds * 1000)


class ReadyQueue:
    """Holds entries by agent and principal; `take` gives the fairest that fits."""

    def __init__(self, *, share_ms: int, max_bypass: int) -> None:
        self._share_ms = share_ms
        self._max_bypass = max_bypass
        self._heaps: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._later: list[tuple[int, str]] = []
        self._entries: dict[str, QueuedRun] = {}
        self._agents: Counter[str] = Counter()
        self._principals: Counter[str] = Counter()
        self._active: dict[str, QueuedRun] = {}
        self._bypassed: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._entries

    @property
    def active(self) -> int:
        """How many taken runs have not been finished."""
        return len(self._active)

    def add(self, entry: QueuedRun) -> None:
        """Queue an entry; one that is here already, or under way, is left as it is."""
        if entry.run_id in self._entries or entry.run_id in self._active:
            return
        self._entries[entry.run_id] = entry
        if entry.not_before:
            heapq.heappush(self._later, (entry.not_before, entry.run_id))
        else:
            self._ready(entry)

    def remove(self, run_id: str) -> None:
        """Take an entry out of the queue; an unknown one is ignored."""
        self._entries.pop(run_id, None)
        self._bypassed.pop(run_id, None)

    def next_due(self) -> int | None:
        """Return the moment at which the next delayed entry becomes due, or None."""
        while self._later and self._later[0][1] not in self._entries:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def take(self, *, now_ms: int, fits: Callable[[QueuedRun], bool]) -> QueuedRun | None:
        """Return the entry whose turn it is and that fits, counted as under way, or None.

        One that does not fit is overtaken at most `max_bypass` times; then everything waits for it.
        """
        self._wake(now_ms)
        for _, key in sorted((self._weighted(key), key) for key in list(self._heaps) if self._trim(key)):
            entry = self._entries[self._heaps[key][0][1]]
            if fits(entry):
                heapq.heappop(self._heaps[key])
                self._begin(entry)
                return entry
            self._bypassed[entry.run_id] += 1
            if self._bypassed[entry.run_id] > self._max_bypass:
                return None
        return None

    def done(self, run_id: str) -> None:
        """Count a taken run as finished; an unknown one is ignored."""
        entry = self._active.pop(run_id, None)
        if entry is None:
            return
        for counter, name in ((self._agents, entry.agent_id), (self._principals, entry.principal_id)):
            counter[name] -= 1
            if counter[name] <= 0:
                del counter[name]

    def _begin(self, entry: QueuedRun) -> None:
        del self._entries[entry.run_id]
        self._bypassed.pop(entry.run_id, None)
        self._active[entry.run_id] = entry
        self._agents[entry.agent_id] += 1
        self._principals[entry.principal_id] += 1

    def _ready(self, entry: QueuedRun) -> None:
        heapq.heappush(self._heaps.setdefault((entry.agent_id, entry.principal_id), []), (entry.rank, entry.run_id))

    def _wake(self, now_ms: int) -> None:
        while self._later and self._later[0][0] <= now_ms:
            entry = self._entries.get(heapq.heappop(self._later)[1])
            if entry is not None:
                self._ready(entry)

    def _trim(self, key: tuple[str, str]) -> bool:
        heap = self._heaps[key]
        while heap and heap[0][1] not in self._entries:
            heapq.heappop(heap)
        if not heap:
            del self._heaps[key]
        return bool(heap)

    def _weighted(self, key: tuple[str, str]) -> int:
        agent, principal = key
        busy = self._agents[agent] + self._principals[principal]
        return self._heaps[key][0][0] + busy * self._share_ms
