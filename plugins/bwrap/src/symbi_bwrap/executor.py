"""The executor `bwrap`: the executor `process`, with bubblewrap before each agent host."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from symbi.contracts.executors import AgentExecutor
from symbi.kernel.points import AGENT_EXECUTORS
from symbi_bwrap.config import BwrapConfig
from symbi_bwrap.sandbox import find_program, launcher, probe, python_places

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["open_bwrap"]


@contextlib.asynccontextmanager
async def open_bwrap(config: BwrapConfig, context: PluginContext) -> AsyncIterator[AgentExecutor]:
    """Open the executor once a sandbox has been made and left here; raises `Unavailable` where that does not work.

    It needs the plugin `process`, which starts, limits, watches and ends what runs in the sandboxes.
    """
    program = find_program(config.program)
    await asyncio.to_thread(probe, program)
    inner = dict(context.settings.raw("plugins.process") or {})
    inner.update(config.process)
    words = launcher(program, (*python_places(inner.get("import_folders", ())), *config.read_only))
    inner.update({"launcher": list(words), "warm": False, "tiers": ["tier1"]})
    async with context.open(AGENT_EXECUTORS, "process", inner) as executor:
        yield executor
