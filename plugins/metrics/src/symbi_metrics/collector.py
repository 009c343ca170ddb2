"""The background collector: a snapshot at a fixed rate, a last one at the end."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from symbi.contracts.metrics import MetricsSnapshot
from symbi.kernel.clock import Clock, SystemClock

__all__ = ["MetricsCollector"]

_log = logging.getLogger("symbi.metrics")
_LOG_EVERY_SECONDS = 60.0


class _Sink(Protocol):
    async def export(self, snapshot: MetricsSnapshot) -> Any:
        """Take one snapshot."""


class MetricsCollector:
    """Collects and exports every `interval` seconds of monotonic time, first at once; a late tick is skipped, never piled up.

    `start()` twice does nothing more; `stop()` may be called at any time and does one last export within `last_seconds`.
    """

    def __init__(
        self,
        exporter: _Sink,
        interval: float,
        *,
        collect: Callable[[], Awaitable[MetricsSnapshot]],
        clock: Clock | None = None,
        jitter: float = 0.0,
        randomness: random.Random | None = None,
        last_seconds: float = 3.0,
    ) -> None:
        if interval <= 0:
            raise ValueError("the interval must be more than 0 seconds")
        self._exporter = exporter
        self._interval = interval
        self._collect = collect
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._random = randomness or random.Random()  # noqa: S311  # spreads exports in time, protects nothing
        self._last_seconds = last_seconds
        self._task: asyncio.Task[None] | None = None
        self._logged_at = float("-inf")

    @property
    def running(self) -> bool:
        """Tell whether it collects."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin to collect in the background of the running event loop."""
        if not self.running:
            self._task = asyncio.get_running_loop().create_task(self._work(), name="metrics-collector")

    async def stop(self) -> None:
        """Stop, after one last export; does nothing where it does not run."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        try:
            async with asyncio.timeout(self._last_seconds):
                await self._once()
        except TimeoutError:
            return

    async def _work(self) -> None:
        due = self._clock.monotonic()
        while True:
            await self._once()
            due += self._interval
            now = self._clock.monotonic()
            if due <= now:
                due += self._interval * ((now - due) // self._interval + 1)
            await self._clock.sleep(due - now + self._random.uniform(0, self._jitter))

    async def _once(self) -> None:
        """Collect and export once; what fails is told once a minute and tried again at the next tick."""
        try:
            await self._exporter.export(await self._collect())
        except Exception as error:
            now = self._clock.monotonic()
            if now - self._logged_at >= _LOG_EVERY_SECONDS:
                self._logged_at = now
                _log.warning("metrics were not exported: %s: %s", type(error).__name__, error)
