"""The courier: takes due parcels from the outbox and hands them to their targets, at least once (R-DELIV)."""

from __future__ import annotations

import asyncio
import logging

from symbi.contracts.delivery import DeliveryOutcome
from symbi.contracts.errors import SymbiError
from symbi.contracts.telemetry import DeliveryTried
from symbi.kernel.context import PluginContext
from symbi.kernel.points import DELIVERY_TARGETS
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.outbox import Parcel, claim_parcels, next_parcel, record_outcome
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Courier"]

_log = logging.getLogger("symbi.scheduler")
_DEADLINE = 60.0
_AT_ONCE = 16
_CAP_MS = 300_000


class Courier:
    """Delivers results; a target that is slow or broken delays only its own parcels."""

    def __init__(self, context: PluginContext, config: SchedulerConfig, keeper: Timekeeper) -> None:
        self._context = context
        self._config = config
        self._keeper = keeper
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox again at once."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            try:
                due = await self._context.store.read(next_parcel)
                while due is not None and due <= self._keeper.now():
                    parcels = await self._context.store.write_committed(claim_parcels, self._keeper, _AT_ONCE)
                    await asyncio.gather(*(self._deliver(parcel) for parcel in parcels))
                    due = await self._context.store.read(next_parcel) if parcels else None
            except SymbiError as error:
                _log.error("the outbox cannot be read: %s", error)
                due = None
            pause = (
                self._config.poll_seconds
                if due is None
                else min(max((due - self._keeper.now()) / 1000, 0.05), self._config.poll_seconds)
            )
            await self._wait(pause)

    async def _wait(self, seconds: float) -> None:
        waiting = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(self._context.clock.sleep(seconds))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    async def _deliver(self, parcel: Parcel) -> None:
        began = self._keeper.now()
        outcome = await self._attempt(parcel)
        now = self._keeper.now()
        self._context.events.publish(
            DeliveryTried(
                run_id=parcel.delivery.run_id,
                target=parcel.spec.target,
                delivered=outcome.delivered,
                attempt=parcel.delivery.attempt,
                at=began,
                seconds=max(0, now - began) / 1000,
                error=outcome.error,
            )
        )
        again = None
        if not outcome.delivered and outcome.retryable and parcel.delivery.attempt < self._config.delivery_attempts:
            pause = min(1000 * 2 ** (parcel.delivery.attempt - 1), _CAP_MS)
            again = now + (pause if outcome.retry_after is None else min(round(outcome.retry_after * 1000), 3_600_000))
        if not outcome.delivered and again is None:
            _log.warning(
                "the result of run %s was not delivered to %s: %s",
                parcel.delivery.run_id,
                parcel.spec.target,
                outcome.error,
            )
        await self._context.store.write_committed(record_outcome, parcel, outcome, now=now, again_at=again)

    async def _attempt(self, parcel: Parcel) -> DeliveryOutcome:
        if parcel.spec.target not in self._context.catalogue(DELIVERY_TARGETS):
            return DeliveryOutcome(delivered=False, error=f"no delivery target {parcel.spec.target!r} is installed")
        try:
            async with (
                asyncio.timeout(_DEADLINE),
                self._context.open(DELIVERY_TARGETS, parcel.spec.target, dict(parcel.spec.config)) as target,
            ):
                outcome: DeliveryOutcome = await target.deliver(parcel.delivery)
                return outcome
        except TimeoutError:
            return DeliveryOutcome(delivered=False, error=f"no answer within {_DEADLINE:g} s", retryable=True)
        except SymbiError as error:
            return DeliveryOutcome(delivered=False, error=error.message)
        except Exception as error:
            _log.exception("delivery target %s failed", parcel.spec.target)
            return DeliveryOutcome(delivered=False, error=f"the target failed: {type(error).__name__}", retryable=True)
