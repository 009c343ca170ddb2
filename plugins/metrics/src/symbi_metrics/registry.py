"""The instruments that this runtime feeds itself, from bus events and from its own exports."""

from __future__ import annotations

from symbi.contracts.metrics import Instrument
from symbi_metrics.instruments import CALLS, LONG, SHORT, TOKENS, Counter, Histogram

__all__ = ["Registry"]


class Registry:
    """Every instrument that counts or times while the runtime lives."""

    def __init__(self) -> None:
        self.requests = Histogram("http.server.request.duration", "Duration of HTTP requests.", LONG)
        self.decisions = Histogram("symbi.policy.decision.duration", "Time that one policy decision took.", SHORT)
        self.verdicts = Counter("symbi.policy.decisions", "{decision}", "Policy decisions.")
        self.runs = Histogram("symbi.run.duration", "Duration of runs, from the first start to the end.", LONG)
        self.waits = Histogram("symbi.run.wait", "Time from queued to started.", LONG)
        self.delays = Histogram("symbi.scheduler.job.delay", "Time from due to started.", LONG)
        self.tokens = Counter("symbi.model.tokens", "{token}", "Tokens that runs used.")
        self.calls = Histogram("gen_ai.client.operation.duration", "Duration of calls of models.", CALLS)
        self.usage = Histogram("gen_ai.client.token.usage", "Tokens of one call of a model.", TOKENS, unit="{token}")
        self.deliveries = Histogram("symbi.delivery.duration", "Duration of deliveries of results.", LONG)
        self.exports = Counter("symbi.metrics.exports", "{export}", "Exports of snapshots.")
        self.exporting = Histogram("symbi.metrics.export.duration", "Duration of exports of snapshots.", LONG)

    def exported(self, exporter: str, ok: bool, seconds: float) -> None:
        """Count one export."""
        attributes = (("symbi.metrics.exporter", exporter), ("symbi.outcome", "success" if ok else "failure"))
        self.exports.add(1, attributes)
        self.exporting.record(seconds, attributes)

    def read(self) -> tuple[Instrument, ...]:
        """Return every instrument that has a series."""
        return tuple(found for found in (each.read() for each in self.every()) if found.points)

    def every(self) -> tuple[Histogram | Counter, ...]:
        """Return all instruments, those without a series too."""
        return tuple(each for each in vars(self).values() if isinstance(each, Histogram | Counter))
