"""Measures all processes of one run together: the leader, its descendants, and what has moved to other groups among them."""

from __future__ import annotations

import os

import psutil

from symbi.contracts.executors import Sample

__all__ = ["GroupMeter"]


class GroupMeter:
    """Keeps the peak and the last reading of one run; one reading costs some tens of microseconds a process."""

    def __init__(self, pid: int, *, started: float) -> None:
        self._leader = pid
        self._known: dict[int, psutil.Process] = {}
        self._last = (started, 0.0)
        self._gone_cpu = 0.0
        self._cpu_of: dict[int, float] = {}
        self.peak = 0

    def read(self, *, now_ms: int, monotonic: float) -> Sample | None:
        """Measure now, or return None when the leader is gone."""
        memory, count = 0, 0
        live: dict[int, float] = {}
        for pid in self._members():
            try:
                process = self._known.get(pid)
                if process is None:
                    process = self._known[pid] = psutil.Process(pid)
                memory += process.memory_info().rss
                times = process.cpu_times()
                live[pid] = times.user + times.system
                count += 1
            except psutil.Error:
                self._known.pop(pid, None)
        if count == 0:
            return None
        self._gone_cpu += sum(spent for pid, spent in self._cpu_of.items() if pid not in live)
        for pid in [pid for pid in self._known if pid not in live]:
            del self._known[pid]
        self._cpu_of = live
        cpu = self._gone_cpu + sum(live.values())
        self.peak = max(self.peak, memory)
        percent = None
        if monotonic > self._last[0]:
            percent = round(100 * max(0.0, cpu - self._last[1]) / (monotonic - self._last[0]), 2)
        self._last = (monotonic, cpu)
        return Sample(
            at=now_ms,
            memory_bytes=memory,
            cpu_percent=percent,
            cpu_seconds=round(cpu, 3),
            peak_memory_bytes=self.peak,
            processes=count,
        )

    def _members(self) -> list[int]:
        """Return the leader and its descendants; the leader adopts its orphans, so the tree holds them all."""
        found, open_ends = [self._leader], [self._leader]
        while open_ends and len(found) < 10_000:
            pid = open_ends.pop()
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                        children = [int(word) for word in file.read().split()]
                    found += children
                    open_ends += children
            except OSError:
                continue
        return found
