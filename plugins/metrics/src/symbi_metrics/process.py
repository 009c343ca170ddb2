"""The runtime's own process as the conventions of OpenTelemetry name it."""

from __future__ import annotations

from contextlib import suppress

from symbi.contracts.metrics import Instrument
from symbi_metrics.instruments import level

__all__ = ["ProcessProbe"]


class ProcessProbe:
    """Measures this process; primed when made, since the first reading of a CPU rate is always zero."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._cpus = psutil.cpu_count() or 1
        self._errors = psutil.Error
        self._process.cpu_percent(None)

    def read(self) -> tuple[Instrument, ...]:
        """Return the instruments; what the system does not tell is left out."""
        found: list[Instrument] = []
        with suppress(self._errors, OSError), self._process.oneshot():
            times, memory = self._process.cpu_times(), self._process.memory_info()
            busy = self._process.cpu_percent(None) / 100 / self._cpus
            found = [
                level(
                    "process.cpu.time",
                    "s",
                    "CPU time of the runtime.",
                    {"user": times.user, "system": times.system},
                    attribute="cpu.mode",
                    kind="counter",
                ),
                level(
                    "process.cpu.utilization", "1", "Share of all CPUs that the runtime uses.", {"": busy}, kind="gauge"
                ),
                level("process.memory.usage", "By", "Resident memory of the runtime.", {"": float(memory.rss)}),
                level(
                    "process.thread.count",
                    "{thread}",
                    "Threads of the runtime.",
                    {"": float(self._process.num_threads())},
                ),
            ]
            if hasattr(self._process, "num_fds"):
                files = float(self._process.num_fds())
                found.append(
                    level(
                        "process.unix.file_descriptor.count",
                        "{file_descriptor}",
                        "Open files of the runtime.",
                        {"": files},
                    )
                )
        return tuple(found)
