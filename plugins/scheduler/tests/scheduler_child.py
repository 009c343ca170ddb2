"""A whole runtime in a process of its own, to be killed: `python scheduler_child.py FOLDER [STORE_URL]`.

Its runs append their idempotency key to `runs.log` and end at once; a run that is asked for again is found by its key.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from scheduler_world import ADMIN, FakeRuns, StandIns

from symbi.contracts.errors import NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunEnded, RunOptions, RunView, Usage
from symbi.contracts.scheduling import ScheduleOptions, ScheduleRequest, SchedulerService
from symbi.testing.kernels import open_kernel


class LoggedRuns(FakeRuns):
    """Runs whose only effect is a line in a file, written before anything else is told."""

    def __init__(self, context: Any, log: Path) -> None:
        super().__init__(context)
        self.log = log
        self.handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def start(self, agent: str, input: Any, *, principal: Principal, options: RunOptions) -> RunView:
        key = options.idempotency_key or ""
        if key not in self.runs:
            os.write(self.handle, f"{key} {os.getpid()}\n".encode())
        self.runs[key] = _view(key, agent, options, self.context.clock.now_ms(), "running")
        self.options[key] = options
        self.context.tasks.start("run", self._finish(key))
        return self.runs[key]

    async def _finish(self, key: str) -> None:
        await asyncio.sleep(random.random() * 0.03)
        now = self.context.clock.now_ms()
        self.runs[key] = _view(key, "id-a", self.options[key], now, "completed")
        self.context.events.publish(RunEnded(run=self.runs[key], origin=self.options[key].origin))

    async def get(self, run_id: str) -> RunView:
        if run_id in self.runs:
            return self.runs[run_id]
        if f"{run_id} " in self.log.read_text():
            return _view(run_id, "id-a", RunOptions(), self.context.clock.now_ms(), "completed")
        raise NotFound(run_id)


def _view(run_id: str, agent: str, options: RunOptions, now: int, status: Any) -> RunView:
    return RunView(
        run_id=run_id,
        agent_id=agent,
        agent=agent,
        status=status,
        trigger="schedule",
        principal="local",
        input=None,
        result=None,
        error=None,
        attempt=1,
        schedule_id=options.schedule_id,
        scheduled_for=options.scheduled_for,
        created_at=now,
        started_at=now,
        completed_at=now if status == "completed" else None,
        usage=Usage(),
    )


class Child(StandIns):
    """Stand-ins whose runs are logged."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def _open_runs(self, config: Any, context: Any) -> Any:  # type: ignore[override]
        self.runs = LoggedRuns(context, self.folder / "runs.log")
        return super()._open_runs(config, context)


async def main(folder: Path, url: str, schedules: int) -> None:
    tables: dict[str, Any] = {"scheduler": {"max_concurrent_runs": 1000, "poll_seconds": 1, "lease_seconds": 3}}
    if url:
        tables["store"] = {"url": url}
    child = Child(folder)
    own = folder if not url else folder / f"node-{os.getpid()}"
    own.mkdir(exist_ok=True)
    async with open_kernel(own, [child, "symbi_scheduler.plugin"], tables=tables) as kernel:
        service = kernel.services.get(SchedulerService)
        if schedules and not await service.list(limit=1):
            options = ScheduleOptions(catchup="all", catchup_limit=10_000, overlap="allow")
            for place in range(schedules):
                request = ScheduleRequest(
                    name=f"s{place}", agent_name="a", cron_expression="* * * * * *", options=options
                )
                await service.create(request, principal=ADMIN)
        print("ready", flush=True)
        await asyncio.sleep(3600)


if __name__ == "__main__":
    given = sys.argv[2] if len(sys.argv) > 2 else ""
    asyncio.run(main(Path(sys.argv[1]), given, int(sys.argv[3]) if len(sys.argv) > 3 else 20))
