"""States of agents in the words of the Symbiont Python SDK (runtime-api.md §6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from symbi.contracts.agents import AgentState, StateWords
from symbi.kernel.context import PluginContext

__all__ = ["CompatConfig", "open_words"]

_SDK = {
    "ready": "idle",
    "waiting": "idle",
    "running": "active",
    "failed": "error",
    "unreachable": "error",
    "completed": "stopped",
    "terminated": "stopped",
}


class CompatConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[compat]`."""

    sdk_states: bool = False
    """Whether `GET /agents/{id}/status` says `idle`, `active`, `error`, `stopped`, as the SDK's `get_agent_status` expects."""


class _Words(StateWords):
    def __init__(self, sdk: bool) -> None:
        self._sdk = sdk

    def word(self, state: AgentState) -> str:
        return _SDK[state] if self._sdk else state


@asynccontextmanager
async def open_words(config: CompatConfig, _context: PluginContext) -> AsyncIterator[StateWords]:
    """Open the service."""
    yield _Words(config.sdk_states)
