"""R-GATE: run conditions of schedules, and the blocks that declare them (dsl.md §5.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scheduler_world import StandIns, open_world
from test_scheduler_declared import OWNER, block

from symbi import Service, hookimpl
from symbi.contracts.approvals import ApprovalResolved, Approvals
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import ScheduleOptions
from symbi_scheduler.blocks import request_from, seconds
from symbi_scheduler.conditions import within_hours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        ("30.seconds", 30),
        ("2 days", 172_800),
        (7, 7),
        (0.5, 0.5),
    ],
)
def test_durations(text: Any, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "5 lightyears", "1h x", True])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(InvalidRequest):
        seconds(text)


def test_hours_with_midnight_and_zone() -> None:
    at = int(datetime(2026, 1, 1, 23, 30, tzinfo=UTC).timestamp() * 1000)
    assert within_hours(("22:00", "06:00"), "UTC", at)
    assert not within_hours(("08:00", "18:00"), "UTC", at)
    assert within_hours(("18:00", "19:00"), "America/New_York", at)


def test_a_block_with_everything() -> None:
    conditions = {
        "require_approval": True,
        "max_runtime": "5m",
        "allowed_hours": {"start": "08:00", "end": 18},
        "require_capabilities": ["clock"],
        "allowed_environments": ["production"],
    }
    options = {
        "max_jitter": "30s",
        "max_retries": 2,
        "webhook_url": "https://x.example/",
        "webhook_headers": {"A": "b"},
        "email_recipients": ["a@b.c"],
    }
    found = request_from(
        block("x", conditions=conditions, options=options, delivery=["webhook", "email", "slack://ops", "stdout"])
    )
    assert (found.options.jitter_seconds, found.options.timeout_seconds, found.options.allowed_hours) == (
        30,
        300.0,
        ("08:00", "18:00"),
    )
    assert (found.options.require_approval, found.options.require_capabilities) == (True, ("clock",))
    assert [spec.target for spec in found.delivery] == ["webhook", "email", "channel", "stdout"]
    assert found.delivery[0].config == {"url": "https://x.example/", "headers": {"A": "b"}}
    for wrong in (
        {"conditions": {"require_agent_pin": True}},
        {"options": {"heartbeat": {}}},
        {"conditions": {"moon_phase": "full"}},
    ):
        with pytest.raises(InvalidRequest):
            request_from(block("x", **wrong))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"allowed_hours": ("08:00", "18:00")}, "allowed hours"),
        ({"allowed_environments": ("production",)}, "environment"),
        ({"require_capabilities": ("clock", "http")}, "capability http"),
    ],
)
async def test_a_condition_that_does_not_hold_denies_the_fire(
    tmp_path: Path, options: dict[str, Any], word: str
) -> None:
    async with open_world(tmp_path) as world:

        async def spec(agent: Any) -> Any:
            return SimpleNamespace(capabilities=("clock",))

        world.agents.spec = spec  # type: ignore[attr-defined]
        ident = await world.make(cron_expression="0 0 * * * *", options=ScheduleOptions(**options))
        await world.advance(3601, step=1800.5)
        (fire,) = await world.history(ident)
        assert (fire.status, word in fire.reason) == ("denied", True)
        assert world.runs.starts == []


class HeldActions:
    """A list of approvals that a test answers."""

    def __init__(self) -> None:
        self.status = "pending"
        self.asked = 0

    @hookimpl
    def services(self) -> Any:
        yield Service(name="approvals", provides=Approvals, open=self._open)

    @asynccontextmanager
    async def _open(self, config: Any, context: Any) -> AsyncIterator[HeldActions]:
        yield self

    async def hold(self, request: Any, **more: Any) -> Any:
        self.asked += 1
        return SimpleNamespace(id="ap-1", status=self.status)

    async def get(self, approval_id: str) -> Any:
        return SimpleNamespace(id=approval_id, status=self.status)


async def test_require_approval_parks_every_fire(tmp_path: Path) -> None:
    held = HeldActions()
    async with open_world(tmp_path, plugins=(held,)) as world:
        faults = await world.scheduler.reconcile(
            "file:a.symbi",
            "schedule",
            [block("x", cron="0 0 * * * *", conditions={"require_approval": True})],
            owner=OWNER,
        )
        assert faults == []
        (view,) = await world.scheduler.list()
        await world.advance(3601, step=1800.5)
        assert [fire.status for fire in await world.history(view.id)] == ["waiting_approval"]
        held.status = "approved"
        world.kernel.events.publish(ApprovalResolved(approval=SimpleNamespace(id="ap-1", status="approved")))  # type: ignore[arg-type]
        await world.advance(2)
        assert [fire.status for fire in await world.history(view.id)] == ["completed"]
        assert held.asked == 1


async def test_require_approval_without_a_list_of_approvals_denies(tmp_path: Path) -> None:
    async with open_world(tmp_path, stand_ins=StandIns()) as world:
        ident = await world.make(cron_expression="0 0 * * * *", options=ScheduleOptions(require_approval=True))
        await world.advance(3601, step=1800.5)
        assert [fire.status for fire in await world.history(ident)] == ["denied"]
