"""The `system` block: the machine as this runtime sees it, the container's limit before the machine's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from symbi.contracts.metrics import SystemFigures

__all__ = ["SystemProbe"]

_CGROUP2 = Path("/sys/fs/cgroup")
_CGROUP1 = Path("/sys/fs/cgroup/memory")
_UNLIMITED = 1 << 60


class SystemProbe:
    """Measures CPU, memory and disk; primed when made, since the first reading of a CPU rate is always zero."""

    def __init__(self, folder: Path) -> None:
        import psutil

        self._psutil = psutil
        self._folder = folder
        self._cpu = 0.0
        psutil.cpu_percent(None)

    def figures(self, *, uptime_seconds: int) -> SystemFigures:
        """Return the block; never blocks."""
        used, total = self.memory()
        self._cpu = float(self._psutil.cpu_percent(None))
        return SystemFigures(
            cpu_usage_percent=self._cpu,
            memory_usage_bytes=used,
            memory_total_bytes=total,
            uptime_seconds=uptime_seconds,
        )

    def memory(self) -> tuple[int, int]:
        """Return bytes in use and in all: of the container where it is limited (cgroup v2, then v1), else of the machine."""
        facts = self._psutil.virtual_memory()
        for folder, current, limit in (
            (_CGROUP2, "memory.current", "memory.max"),
            (_CGROUP1, "memory.usage_in_bytes", "memory.limit_in_bytes"),
        ):
            most = _number(folder / limit)
            used = _number(folder / current)
            if most is not None and used is not None and most < min(_UNLIMITED, facts.total):
                return used, most
        return int(facts.total - facts.available), int(facts.total)

    def flat(self, system: SystemFigures) -> dict[str, Any]:
        """Return the numbers of the flat form that the system knows."""
        disk = shutil.disk_usage(self._folder)
        return {
            "uptime_seconds": system.uptime_seconds,
            "memory_usage_bytes": system.memory_usage_bytes,
            "memory_usage_percent": round(100 * system.memory_usage_bytes / system.memory_total_bytes, 2)
            if system.memory_total_bytes
            else 0.0,
            "cpu_usage_percent": system.cpu_usage_percent,
            "disk_usage_bytes": disk.used,
            "disk_usage_percent": round(100 * disk.used / disk.total, 2) if disk.total else 0.0,
        }


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
