"""Fan-out to several exporters: each under its own deadline, none delays or breaks another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from symbi.contracts.metrics import MetricsExporter, MetricsSnapshot
from symbi.kernel.fanout import Outcome, fan_out

__all__ = ["CompositeExporter", "ExporterRecord"]

_log = logging.getLogger("symbi.metrics")
_LOG_EVERY_SECONDS = 60.0


class ExporterRecord(msgspec.Struct, kw_only=True):
    """How one exporter has done."""

    exports: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    last_error: str = ""
    last_ms: float = 0.0
    logged_at: float = float("-inf")


class CompositeExporter:
    """Hands each snapshot to every exporter, side by side.

    `observe(name, ok, seconds)` is told of each export. Failures are counted in `records` and logged at most once a minute for each exporter; a
    first success after a failure is logged too.
    """

    def __init__(
        self,
        exporters: Mapping[str, MetricsExporter],
        *,
        timeout_seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
        observe: Callable[[str, bool, float], None] = lambda name, ok, seconds: None,
    ) -> None:
        self._exporters = dict(exporters)
        self._timeout = timeout_seconds
        self._monotonic = monotonic
        self._observe = observe
        self.records = {name: ExporterRecord() for name in self._exporters}

    async def export(self, snapshot: MetricsSnapshot) -> dict[str, Outcome]:
        """Hand the snapshot to every exporter and return what came of each; never raises."""
        calls: dict[str, Any] = {name: partial(exporter.export, snapshot) for name, exporter in self._exporters.items()}
        outcomes = await fan_out(calls, deadline=self._timeout)
        for name, outcome in outcomes.items():
            self._note(name, outcome)
        return outcomes

    def _note(self, name: str, outcome: Outcome) -> None:
        record = self.records[name]
        record.exports += 1
        record.last_ms = outcome.ms
        self._observe(name, outcome.ok, outcome.ms / 1000)
        if outcome.ok:
            if record.failures_in_a_row:
                _log.info("exporter %s works again after %d failures", name, record.failures_in_a_row)
            record.failures_in_a_row = 0
            return
        record.failures += 1
        record.failures_in_a_row += 1
        record.last_error = f"{type(outcome.error).__name__}: {outcome.error}"
        if self._monotonic() - record.logged_at >= _LOG_EVERY_SECONDS:
            record.logged_at = self._monotonic()
            _log.warning("exporter %s failed (%d in a row): %s", name, record.failures_in_a_row, record.last_error)
