"""Delivery: places where the result of a run is taken after it has ended.

Deliveries are sent from a durable outbox, at least once; a target tells repeated attempts apart by the idempotency key.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.offers import Offer

__all__ = ["Delivery", "DeliveryOutcome", "DeliverySpec", "DeliveryTarget", "Target"]


class DeliverySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one result goes: `target` names an installed delivery target, `config` is what that target reads.

    `when` limits it to runs that completed or failed.
    """

    target: str
    config: dict[str, Any] = {}
    when: Literal["always", "completed", "failed"] = "always"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One ended run on its way out; times are UTC milliseconds, `attempt` counts from 1.

    `idempotency_key` is the same for every attempt: run id and place in the list of targets.
    """

    idempotency_key: str
    run_id: str
    agent: str
    status: str
    result: Any
    error: dict[str, Any] | None
    schedule_id: str | None = None
    schedule: str | None = None
    scheduled_for: int | None = None
    started_at: int | None = None
    completed_at: int | None = None
    attempt: int = 1


class DeliveryOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt went. With `retryable` it is tried again, not before `retry_after` seconds where the other side named them.

    `reference` is what the other side calls it (a message id, a path); `error` is one sentence without secrets.
    """

    delivered: bool
    error: str = ""
    status_code: int | None = None
    retryable: bool = False
    retry_after: float | None = None
    reference: str = ""


class DeliveryTarget(Offer, frozen=True, kw_only=True):
    """Offer of one kind of place. `open(config, context)` gives a `Target`; `config` comes from the `DeliverySpec` of the schedule."""


@runtime_checkable
class Target(Protocol):
    """An opened place."""

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """Try once. What the other side does is an outcome, not an exception; an exception counts as a failure that may be retried."""
        ...
