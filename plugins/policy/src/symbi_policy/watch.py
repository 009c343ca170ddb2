"""Watches the policy directory and reloads after a quiet moment (POL-21)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from symbi.contracts.policy_sets import PolicyInvalid

if TYPE_CHECKING:
    from symbi_policy.gate import PolicyGate

__all__ = ["watch"]

ABSENT_SECONDS = 2.0


async def watch(gate: PolicyGate, directory: Path, *, debounce_ms: int) -> None:
    """Reload the gate whenever something below the directory has changed; a directory that is not there yet is
    awaited.
    """
    while True:
        if not await asyncio.to_thread(directory.is_dir):
            await asyncio.sleep(ABSENT_SECONDS)
            if await asyncio.to_thread(directory.is_dir):
                await _reload(gate)
            continue
        await _follow(gate, directory, debounce_ms)


async def _follow(gate: PolicyGate, directory: Path, debounce_ms: int) -> None:
    from watchfiles import awatch

    async for _changes in awatch(directory, debounce=debounce_ms, step=max(min(debounce_ms, 50), 1)):
        await _reload(gate)
        if not await asyncio.to_thread(directory.is_dir):
            return


async def _reload(gate: PolicyGate) -> None:
    try:
        await gate.reload(author="watch")
    except PolicyInvalid:
        return  # said by the gate; what was in force stays
