"""The life of a run: started, carried out, ended; what is asked of the gate; what the journal holds."""

from __future__ import annotations

from typing import Any

import pytest
from symbi.contracts.definitions import Parameter
from symbi.contracts.errors import Conflict, IdempotencyMismatch, InvalidRequest, NotFound, PolicyDenied


async def test_noop_run_completes_with_a_whole_journal(house: Any) -> None:
    house.world.add("a", "noop")
    run = await house.run("a", {"x": 1})
    assert (run.status, run.result, run.error) == ("completed", {"arguments": {"x": 1}}, None)
    events = [event async for event in house.runs.events(run.run_id)]
    assert [event.kind for event in events] == ["queued", "claimed", "started", "completed"]
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert run.usage.wall_ms is not None and run.usage.effects == 0 and run.usage.tokens is None
