"""The route `POST /api/v1/runs/{id}/fork`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import post

from symbi.contracts.errors import Unavailable
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunService
from symbi.http.access import require_agent
from symbi.kernel.services import Services
from symbi_runs.forking import fork_run
from symbi_runs.records import view_of
from symbi_runs.service import Runs
from symbi_runs.wire import shown_run

__all__ = ["HANDLERS"]


class Fork(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body: how many effects are taken from the journal; without `step` all of them, which replays the run."""

    step: int | None = None


@post("/runs/{run_id:str}/fork", status_code=201)
async def fork(run_id: str, services: Services, principal: Principal, data: Fork | None = None) -> dict[str, Any]:
    """Start a run from the journal of one that has ended: a replay of all of it, or a fork that goes on from a step."""
    runs = services.get(RunService)
    if not isinstance(runs, Runs):
        raise Unavailable("the runs service in use cannot fork")
    require_agent(principal, (await runs.get(run_id)).agent_id)
    return shown_run(view_of(await fork_run(runs, run_id, step=(data or Fork()).step, principal=principal)))


HANDLERS = [fork]
