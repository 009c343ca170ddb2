"""From bus events to instruments: requests, decisions, runs, fires."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from symbi.contracts.policy import PolicyDecided
from symbi.contracts.runs import RunEnded
from symbi.contracts.telemetry import DeliveryTried, ModelCalled, RequestServed
from symbi.kernel.context import PluginContext
from symbi_metrics.registry import Registry

__all__ = ["RequestRate", "listen"]

_WINDOW_SECONDS = 60


class RequestRate:
    """Requests a second over the last minute, in buckets of one second; 0.0 when idle."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._buckets: deque[list[float]] = deque(maxlen=_WINDOW_SECONDS + 1)

    def count(self) -> None:
        """Count one request."""
        second = float(int(self._monotonic()))
        if self._buckets and self._buckets[-1][0] == second:
            self._buckets[-1][1] += 1
        else:
            self._buckets.append([second, 1.0])

    def per_second(self) -> float:
        """Return the rate now."""
        now = self._monotonic()
        total = sum(count for second, count in self._buckets if second > now - _WINDOW_SECONDS)
        return round(total / max(1.0, min(_WINDOW_SECONDS, now - self._started)), 3)


def listen(context: PluginContext, registry: Registry, rate: RequestRate) -> list[Callable[[], Awaitable[None]]]:
    """Subscribe to everything that is counted; return the undos."""

    def request(event: RequestServed) -> None:
        rate.count()
        registry.requests.record(
            event.seconds,
            (
                ("http.request.method", event.method),
                ("http.route", event.route),
                ("http.response.status_code", str(event.status)),
                ("url.scheme", event.scheme),
            ),
        )

    async def decision(event: PolicyDecided) -> None:
        registry.verdicts.add(1, (("symbi.policy.decision", event.decision), ("symbi.policy.surface", event.surface)))
        if event.latency_us is not None:
            registry.decisions.record(event.latency_us / 1e6, (("symbi.policy.decision", event.decision),))

    async def run(event: RunEnded) -> None:
        view = event.run
        outcome = (("symbi.run.outcome", view.status), ("symbi.run.trigger", view.trigger))
        if view.started_at is not None:
            registry.waits.record(max(0, view.started_at - view.created_at) / 1000, ())
            if view.completed_at is not None:
                registry.runs.record((view.completed_at - view.started_at) / 1000, outcome)
            if view.scheduled_for is not None:
                registry.delays.record(max(0, view.started_at - view.scheduled_for) / 1000, ())
        if view.usage.tokens:
            registry.tokens.add(view.usage.tokens)

    subscriptions: list[tuple[type, Any]] = [
        (PolicyDecided, decision),
        (RunEnded, run),
        *_outward(registry),
    ]
    untap = context.events.taps.add(RequestServed, request)

    async def undo() -> None:
        untap()

    return [
        undo,
        *(
            context.events.subscribe(kind, handler, name=f"metrics:{kind.__name__}", limit=10_000)
            for kind, handler in subscriptions
        ),
    ]


def _outward(registry: Registry) -> list[tuple[type, Any]]:
    """Return the listeners to what goes out: calls of models, deliveries."""

    async def called(event: ModelCalled) -> None:
        shared = (
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", event.provider),
            ("gen_ai.request.model", event.model),
        )
        registry.calls.record(event.seconds, (*shared, ("error.type", event.error)) if event.error else shared)
        for kind, tokens in (("input", event.prompt_tokens), ("output", event.completion_tokens)):
            if tokens:
                registry.usage.record(tokens, (*shared, ("gen_ai.token.type", kind)))

    async def delivery(event: DeliveryTried) -> None:
        outcome = "success" if event.delivered else "failure"
        registry.deliveries.record(event.seconds, (("symbi.delivery.target", event.target), ("symbi.outcome", outcome)))

    return [(ModelCalled, called), (DeliveryTried, delivery)]
