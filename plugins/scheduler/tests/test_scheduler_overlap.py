"""R-OVL: the table of the specification, on a virtual clock: fires at 0, 60 … 540 s, each run takes 150 s."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scheduler_world import open_world

from symbi.contracts.scheduling import ScheduleOptions

TABLE: list[tuple[str, dict[str, Any], list[tuple[int, int]], dict[str, list[int]]]] = [
    ("skip", {}, [(0, 0), (180, 180), (360, 360), (540, 540)], {"skipped": [60, 120, 240, 300, 420, 480]}),
    ("queue_one", {}, [(0, 0), (150, 60), (300, 180), (450, 300), (600, 480)], {"dropped": [120, 240, 360, 420, 540]}),
    ("queue_all", {}, [(150 * place, 60 * place) for place in range(10)], {}),
    (
        "cancel_previous",
        {},
        [(0, 0), *((60 * place + 2, 60 * place) for place in range(1, 10))],
        {"terminated": list(range(0, 540, 60))},
    ),
    (
        "terminate_previous",
        {},
        [(60 * place, 60 * place) for place in range(10)],
        {"terminated": list(range(0, 540, 60))},
    ),
    ("allow", {"max_concurrent": 2}, [(t, t) for t in (0, 60, 180, 240, 360, 420, 540)], {"skipped": [120, 300, 480]}),
]


@pytest.mark.parametrize(("policy", "options", "starts", "others"), TABLE, ids=[row[0] for row in TABLE])
async def test_overlap(
    tmp_path: Path, policy: Any, options: dict[str, Any], starts: list[tuple[int, int]], others: dict[str, list[int]]
) -> None:
    async with open_world(tmp_path) as world:
        world.runs.seconds = 150
        zero = world.base + 60
        ident = await world.make(options=ScheduleOptions(overlap=policy, **options), max_fires=10)
        for _ in range(14 if policy != "queue_all" else 26):
            if policy == "cancel_previous":
                await world.advance(2, step=2)
                await world.advance(58, step=58)
            else:
                await world.advance(60, step=30)
        assert [(int(at - zero), int(due - zero)) for at, due in world.runs.starts] == starts
        fires = await world.history(ident)
        by_status: dict[str, list[int]] = {}
        for fire in fires:
            if fire.status != "completed":
                assert fire.reason
                by_status.setdefault(fire.status, []).append(int(fire.scheduled_for / 1000 - zero))
        assert {status: sorted(times) for status, times in by_status.items()} == others
        assert len(fires) == 10
        row = await world.scheduler.get(ident)
        assert row.status == "completed"
