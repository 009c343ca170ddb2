"""Watches the policy directory and reloads after a quiet moment (POL-21)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from symbi.contracts.policy_sets import PolicyInvalid

if TYPE_CHECKING:
    from symbi_policy.gate import PolicyGate

__all__ = ["watch"]


async def watch(gate: PolicyGate, directory: Path, *, debounce_ms: int) -> None:
    """Reload the gate whenever something below the directory has changed; waits for a directory that is not there
    yet.
    """
    from watchfiles import awatch

    place = directory if directory.is_dir() else directory.parent
    async for _changes in awatch(place, debounce=debounce_ms, step=min(debounce_ms, 50), recursive=place == directory):
        if place != directory and not directory.is_dir():
            continue
        try:
            await gate.reload(author="watch")
        except PolicyInvalid:
            continue  # said by the gate; what was in force stays
        if place != directory:
            return await watch(gate, directory, debounce_ms=debounce_ms)
