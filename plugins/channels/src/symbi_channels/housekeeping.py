"""What is done from time to time: leases, missed approvals, old rows."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from symbi.contracts.errors import SymbiError
from symbi_channels import inbox

if TYPE_CHECKING:
    from symbi_channels.approving import ApprovalBoard
    from symbi_channels.fleet import Fleet
    from symbi_channels.hub import Hub

__all__ = ["Housekeeping", "Leases"]

_log = logging.getLogger("symbi.channels")
_FORGET_SECONDS = 3600.0


class Housekeeping:
    """Looks for approvals that were missed, and forgets what is old."""

    def __init__(self, hub: Hub, board: ApprovalBoard) -> None:
        self._hub = hub
        self._board = board

    async def work(self) -> None:
        """Do it for ever; on a store that nobody shares, what was missed can only have been missed before the start."""
        forgotten = 0.0
        swept = False
        while True:
            clock = self._hub.context.clock
            if not (self._hub.alone and swept):
                await self._board.sweep()
                swept = True
            if not forgotten or clock.monotonic() - forgotten > _FORGET_SECONDS:
                before = clock.now_ms() - round(self._hub.config.keep_seen_hours * 3_600_000)
                await self._hub.context.store.write(inbox.forget, before)
                forgotten = clock.monotonic()
            await clock.sleep(self._hub.config.sweep_seconds)


class Leases:
    """Renews this runtime's hold on its channels, and takes over those of one that died."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def work(self) -> None:
        """Do it for ever, three times within the time of a lease."""
        hub = self._fleet.hub
        while True:
            await hub.context.clock.sleep(hub.config.lease_seconds / 3)
            try:
                async with asyncio.timeout(hub.config.lease_seconds / 2):
                    await self._fleet.tick()
            except (SymbiError, TimeoutError) as error:
                _log.warning("the leases of channels could not be renewed: %s", error)
                await self._fleet.let_go()
