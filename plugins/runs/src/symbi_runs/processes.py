"""Processes of runs across a crash of the runtime: named so that the right one, and no other, is ended afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

__all__ = ["describe_process", "end_orphan"]


def _boot() -> str:
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return ""


def _started(pid: int) -> int | None:
    """Return when a process was started, in clock ticks since boot (proc(5), field 22)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def describe_process(pid: int | None) -> dict[str, Any] | None:
    """Return what identifies the process beyond its number, which is used again."""
    if pid is None:
        return None
    return {"pid": pid, "started": _started(pid), "boot": _boot()}


def end_orphan(process: dict[str, Any] | None) -> bool:
    """Kill the group of a process that an earlier runtime has left; return whether it was there."""
    if not process or not process.get("started"):
        return False
    pid = int(process["pid"])
    if process.get("boot") != _boot() or _started(pid) != process["started"]:
        return False
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
