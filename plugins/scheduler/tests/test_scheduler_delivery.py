"""R-DELIV: results leave through an outbox that outlives the process; receipts are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scheduler_world import StandIns, open_world

from symbi import hookimpl
from symbi.contracts.delivery import Delivery, DeliveryOutcome, DeliverySpec, DeliveryTarget
from symbi.contracts.errors import InvalidRequest
from symbi.testing.clock import FakeClock


class PigeonConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pigeon needs a name."""

    name: str = "p"


class Pigeons:
    """A delivery target whose outcomes a test decides."""

    def __init__(self, *outcomes: DeliveryOutcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.flown: list[Delivery] = []

    @hookimpl
    def delivery_targets(self) -> Any:
        yield DeliveryTarget(name="pigeon", open=self._open, config=PigeonConfig)

    @asynccontextmanager
    async def _open(self, config: PigeonConfig, context: Any) -> AsyncIterator[Pigeons]:
        yield self

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        self.flown.append(delivery)
        outcome = self.outcomes.pop(0) if self.outcomes else DeliveryOutcome(delivered=True, reference="nest")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


BUSY = DeliveryOutcome(delivered=False, error="busy", status_code=503, retryable=True)
GONE = DeliveryOutcome(delivered=False, error="gone", status_code=410)


async def test_a_result_is_delivered_once_with_its_receipt(tmp_path: Path) -> None:
    pigeons = Pigeons()
    async with open_world(tmp_path, plugins=(pigeons,)) as world:
        ident = await world.make(cron_expression="0 0 * * * *", delivery=(DeliverySpec(target="pigeon"),))
        await world.advance(3601, step=3601)
        await world.advance(2)
        (flown,) = pigeons.flown
        assert (flown.idempotency_key, flown.status, flown.result, flown.schedule) == (
            "run-1:0",
            "completed",
            {"ok": True},
            "job",
        )
        (fire,) = await world.history(ident)
        assert [(each["state"], each["attempts"], each["reference"]) for each in fire.receipts] == [
            ("delivered", 1, "nest")
        ]


async def test_failures_are_tried_again_with_the_same_key_and_given_up_in_the_end(tmp_path: Path) -> None:
    pigeons = Pigeons(BUSY, RuntimeError("hawk"), BUSY, BUSY)
    async with open_world(tmp_path, plugins=(pigeons,), delivery_attempts=4) as world:
        ident = await world.make(cron_expression="0 0 * * * *", delivery=(DeliverySpec(target="pigeon"),))
        await world.advance(3601, step=3601)
        await world.advance(20)
        assert [each.attempt for each in pigeons.flown] == [1, 2, 3, 4]
        assert len({each.idempotency_key for each in pigeons.flown}) == 1
        (fire,) = await world.history(ident)
        assert [(each["state"], each["error"]) for each in fire.receipts] == [("failed", "busy")]


async def test_fail_fast_stops_at_the_first_failure_and_when_chooses(tmp_path: Path) -> None:
    pigeons = Pigeons(GONE)
    targets = (
        DeliverySpec(target="pigeon"),
        DeliverySpec(target="pigeon"),
        DeliverySpec(target="pigeon", when="failed"),
    )
    async with open_world(tmp_path, plugins=(pigeons,)) as world:
        ident = await world.make(cron_expression="0 0 * * * *", delivery=targets, fail_fast=True)
        await world.advance(3601, step=3601)
        await world.advance(5)
        (fire,) = await world.history(ident)
        assert len(pigeons.flown) == 1
        assert [each["state"] for each in fire.receipts] == ["failed", "failed"]


async def test_a_delivery_that_the_process_did_not_live_to_see_is_sent_after_the_restart(tmp_path: Path) -> None:
    stand_ins, clock, pigeons = StandIns(), FakeClock(), Pigeons(BUSY)
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock, plugins=(pigeons,)) as world:
        await world.make(cron_expression="0 0 * * * *", delivery=(DeliverySpec(target="pigeon"),), max_fires=1)
        await world.advance(3600.5, step=3600.5)
        assert len(pigeons.flown) == 1
    async with open_world(tmp_path, stand_ins=stand_ins, clock=clock, plugins=(pigeons,)) as world:
        await world.advance(5)
    assert [each.idempotency_key for each in pigeons.flown] == ["run-1:0", "run-1:0"]


async def test_a_target_may_name_only_its_own_environment_variables(tmp_path: Path) -> None:
    async with open_world(tmp_path, plugins=(Pigeons(),)) as world:
        with pytest.raises(InvalidRequest, match="SYMBI_DELIVERY_"):
            await world.make(delivery=(DeliverySpec(target="pigeon", config={"name": {"env": "API_AUTH_TOKEN"}}),))
