"""The contract of delivery targets.

Subclass it with `plugin`, `name` and a `config` that works, and give `tables` where the target needs settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.delivery import Delivery, DeliveryOutcome, DeliveryTarget, Target
from symbi.contracts.errors import SymbiError
from symbi.kernel.points import DELIVERY_TARGETS
from symbi.testing.kernels import open_kernel

__all__ = ["DeliveryTargetContract", "a_delivery"]


def a_delivery(**changes: Any) -> Delivery:
    """Return the delivery of a run that completed."""
    given: dict[str, Any] = {
        "idempotency_key": "run-1:0", "run_id": "run-1", "agent": "hello", "status": "completed", "result": {"greeting": "héllo"}, "error": None,
        "schedule_id": "schedule-1", "schedule": "daily", "scheduled_for": 1_767_225_600_000, "started_at": 1_767_225_600_100,
        "completed_at": 1_767_225_601_000,
    }  # fmt: skip
    return Delivery(**{**given, **changes})


class DeliveryTargetContract:
    """What every delivery target must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The target's name."""
    tables: Mapping[str, Any] = {}
    """Settings, as in `symbi.toml`."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        """The part of a `DeliverySpec` that this target reads; override it with one that works."""
        return {}

    async def _send(self, folder: Path, config: dict[str, Any], *deliveries: Delivery) -> list[DeliveryOutcome]:
        async with (
            open_kernel(folder, [self.plugin], tables=self.tables) as kernel,
            kernel.open(DELIVERY_TARGETS, self.name, config) as target,
        ):
            assert isinstance(target, Target)
            return [await target.deliver(delivery) for delivery in deliveries]

    async def test_the_offer_is_a_delivery_target(self, tmp_path: Path) -> None:
        """It is declared with the struct of its extension point."""
        async with open_kernel(tmp_path, [self.plugin]) as kernel:
            assert isinstance(kernel.catalogue(DELIVERY_TARGETS)[self.name], DeliveryTarget)

    async def test_a_result_is_delivered(self, tmp_path: Path, config: dict[str, Any]) -> None:
        """A good result arrives, and the outcome says so without an error."""
        (outcome,) = await self._send(tmp_path, config, a_delivery())
        assert outcome.delivered
        assert outcome.error == ""

    async def test_the_same_delivery_may_come_again(self, tmp_path: Path, config: dict[str, Any]) -> None:
        """Delivery is at least once: a second attempt under the same key is no error."""
        outcomes = await self._send(tmp_path, config, a_delivery(), a_delivery(attempt=2))
        assert [outcome.delivered for outcome in outcomes] == [True, True]

    async def test_failed_runs_and_empty_results_are_delivered_too(
        self, tmp_path: Path, config: dict[str, Any]
    ) -> None:
        """What a run ended with is not the target's business."""
        failed = a_delivery(status="failed", result=None, error={"code": "boom", "message": "it broke"})
        bare = Delivery(idempotency_key="k", run_id="r", agent="a", status="completed", result=None, error=None)
        outcomes = await self._send(tmp_path, config, failed, bare)
        assert all(outcome.delivered for outcome in outcomes)

    async def test_unknown_settings_are_refused(self, tmp_path: Path, config: dict[str, Any]) -> None:
        """A setting that it does not know is an error that names it."""
        with pytest.raises(SymbiError, match="surely_unknown"):
            await self._send(tmp_path, {**config, "surely_unknown": 1}, a_delivery())
