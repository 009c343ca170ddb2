"""What this machine offers to confine a process, in words."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from symbi.contracts.health import Health, degraded, healthy
from symbi_process import seccomp
from symbi_process.users import python_is_reachable

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["check_process"]


async def check_process(context: PluginContext) -> Health:
    """Say whether the network of a child can be closed and whether it gets a user of its own."""
    if not sys.platform.startswith("linux"):
        return degraded("agent processes are confined on Linux only", remedy="run Symbi on Linux")
    if not seccomp.available():
        return degraded(
            "no system call filter for this architecture: runs without network are refused",
            remedy="use x86-64 or arm64",
        )
    if os.geteuid() == 0 and not python_is_reachable():
        remedy = "install Symbi outside the home of root, or run it as a user of its own"
        return degraded(
            "the interpreter lies where other users cannot reach it, so agent processes keep the user root",
            remedy=remedy,
        )
    return healthy("limits, system call filter" + (", own users" if os.geteuid() == 0 else ""))
