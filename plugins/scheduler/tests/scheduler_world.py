"""A runtime with only the scheduler in it: agents, runs and policy are small working stand-ins, time stands still until moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from symbi import Service, hookimpl
from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.errors import Conflict, NotFound, PolicyDenied
from symbi.contracts.policy import Decision, Gate, PolicyHeld, PolicyRequest
from symbi.contracts.principal import LOCAL_ADMIN, Principal
from symbi.contracts.runs import END_STATES, RunEnded, RunOptions, RunService, RunView, Usage
from symbi.contracts.scheduling import FireView, ScheduleRequest, SchedulerService
from symbi.kernel.clock import to_ms
from symbi.testing.clock import FakeClock, settle
from symbi.testing.kernels import open_kernel
from symbi_scheduler.service import Scheduler

ADMIN = LOCAL_ADMIN


class FakeAgents:
    """Agents by name; `a` exists from the start."""

    def __init__(self) -> None:
        self.known = {name: _agent(name) for name in ("a", "b", "report-agent")}

    async def resolve(self, name_or_id: str) -> AgentView | None:
        return next((agent for agent in self.known.values() if name_or_id in (agent.name, agent.id)), None)


def _agent(name: str) -> AgentView:
    return AgentView(
        id=f"id-{name}",
        name=name,
        agent=name,
        text="",
        revision="r1",
        language="symbi",
        mode="ephemeral",
        source="api",
        owner="token",
        metadata={},
        created_at=0,
        updated_at=0,
    )


class FakeRuns:
    """Runs that last `seconds` and end as `outcome` says; starting twice under one key starts once."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.seconds: float | None = 0.0
        self.stop_seconds = 2.0
        self.outcome = "completed"
        self.error: dict[str, Any] | None = None
        self.runs: dict[str, RunView] = {}
        self.options: dict[str, RunOptions] = {}
        self.by_key: dict[str, str] = {}
        self.starts: list[tuple[float, float]] = []
        self.refuse: Exception | None = None

    async def start(self, agent: str, input: Any, *, principal: Principal, options: RunOptions) -> RunView:
        if self.refuse is not None:
            raise self.refuse
        if options.idempotency_key in self.by_key:
            return self.runs[self.by_key[options.idempotency_key]]
        run_id = f"run-{len(self.runs) + 1}"
        now = self.context.clock.now_ms()
        self.by_key[options.idempotency_key or run_id] = run_id
        self.options[run_id] = options
        self.starts.append((now / 1000, (options.scheduled_for or 0) / 1000))
        self.runs[run_id] = RunView(
            run_id=run_id,
            agent_id=agent,
            agent=agent,
            status="running",
            trigger="schedule",
            principal=principal.id,
            input=input,
            result=None,
            error=None,
            attempt=1,
            schedule_id=options.schedule_id,
            scheduled_for=options.scheduled_for,
            created_at=now,
            started_at=now,
            completed_at=None,
            usage=Usage(),
        )
        if self.seconds is not None:
            self.context.tasks.start("run", self._end_after(run_id, self.seconds, self.outcome))
        return self.runs[run_id]

    async def _end_after(self, run_id: str, seconds: float, outcome: str) -> None:
        await self.context.clock.sleep(seconds)
        self.end(run_id, outcome)

    def end(self, run_id: str, outcome: str = "completed", *, tell: bool = True) -> None:
        if self.runs[run_id].status in END_STATES:
            return
        error = None if outcome == "completed" else self.error or {"code": "boom", "message": "it broke"}
        self.runs[run_id] = msgspec.structs.replace(
            self.runs[run_id],
            status=outcome,
            error=error,
            result={"ok": True} if outcome == "completed" else None,
            completed_at=self.context.clock.now_ms(),
        )
        if tell:
            self.context.events.publish(RunEnded(run=self.runs[run_id], origin=self.options[run_id].origin))

    async def get(self, run_id: str) -> RunView:
        if run_id not in self.runs:
            raise NotFound(run_id)
        return self.runs[run_id]

    async def cancel(self, run_id: str, *, principal: Principal, reason: str = "") -> RunView:
        if self.runs[run_id].status in END_STATES:
            raise Conflict("ended")
        self.error = {"code": "cancelled", "message": reason}
        self.context.tasks.start("stop", self._end_after(run_id, self.stop_seconds, "terminated"))
        return self.runs[run_id]


class FakeGate:
    """Allows everything but the actions in `deny`; holds those in `hold`."""

    def __init__(self) -> None:
        self.deny: set[str] = set()
        self.hold: set[str] = set()
        self.asked: list[PolicyRequest] = []

    revision = "r1"

    def register_surface(self, name: str) -> None:
        assert name == "schedule"

    async def authorize(self, request: PolicyRequest, *, rules: Any = None) -> Decision:
        self._judge(request, None)
        return Decision(decision="allow", reason="test")

    def evaluate(self, request: PolicyRequest, *, rules: Any = None) -> Decision:
        kind = "deny" if request.action in self.deny else "hold" if request.action in self.hold else "allow"
        return Decision(decision=kind, reason="forbidden by the test")  # type: ignore[arg-type]

    async def admit(self, request: PolicyRequest, *, rules: Any = None, approval: str | None = None) -> Any:
        self._judge(request, approval)
        return request

    def redeem(self, receipt: Any) -> Any:
        return receipt

    def _judge(self, request: PolicyRequest, approval: str | None) -> None:
        self.asked.append(request)
        if request.action in self.deny:
            raise PolicyDenied("forbidden by the test")
        if request.action in self.hold and approval is None:
            decision = Decision(decision="hold", reason="a person must look")
            raise PolicyHeld("a person must look", approval_id=f"ap-{request.call_id}", decision=decision)


class StandIns:
    """The plugin that provides the stand-ins."""

    def __init__(self) -> None:
        self.agents = FakeAgents()
        self.gate = FakeGate()
        self.runs: FakeRuns | None = None

    @hookimpl
    def services(self) -> Any:
        yield Service(name="agents", provides=AgentService, open=self._open_agents)
        yield Service(name="gate", provides=Gate, open=self._open_gate)
        yield Service(name="runs", provides=RunService, open=self._open_runs)

    @asynccontextmanager
    async def _open_agents(self, config: Any, context: Any) -> AsyncIterator[FakeAgents]:
        yield self.agents

    @asynccontextmanager
    async def _open_gate(self, config: Any, context: Any) -> AsyncIterator[FakeGate]:
        yield self.gate

    @asynccontextmanager
    async def _open_runs(self, config: Any, context: Any) -> AsyncIterator[FakeRuns]:
        if self.runs is None:
            self.runs = FakeRuns(context)
        self.runs.context = context
        yield self.runs


class World:
    """What a test holds: the scheduler, its surroundings and the clock."""

    def __init__(self, kernel: Any, stand_ins: StandIns, clock: FakeClock) -> None:
        self.kernel = kernel
        self.clock = clock
        self.gate = stand_ins.gate
        self.agents = stand_ins.agents
        assert stand_ins.runs is not None
        self.runs: FakeRuns = stand_ins.runs
        found = kernel.services.get(SchedulerService)
        assert isinstance(found, Scheduler)
        self.scheduler: Scheduler = found
        self.busy = Busy(kernel.store)

    async def make(self, **given: Any) -> str:
        """Create a schedule and return its id; every minute, agent `a`, unless said otherwise."""
        if not {"cron_expression", "at", "every_seconds"} & set(given):
            given["cron_expression"] = "0 * * * * *"
        request = ScheduleRequest(**{"name": "job", "agent_name": "a", **given})
        return (await self.scheduler.create(request, principal=ADMIN)).id

    async def history(self, schedule_id: str, limit: int = 1000) -> list[FireView]:
        """Fires, oldest first."""
        return list(reversed(await self.scheduler.history(schedule_id, limit=limit)))

    async def advance(self, seconds: float, step: float = 1.0) -> None:
        """Move the clock in small steps, letting the store's threads and the tasks catch up."""
        done = 0.0
        while done < seconds:
            await self.clock.advance(min(step, seconds - done))
            done += step
            await quiet(self)

    @property
    def base(self) -> float:
        """Seconds since 1970 at which the clock stands."""
        return to_ms(self.clock.now()) / 1000


class Busy:
    """Counts the calls of the store that are under way, so that a test can wait until there are none."""

    def __init__(self, store: Any) -> None:
        self.calls = 0
        self.total = 0
        for name in ("read", "write", "write_committed"):
            setattr(store, name, self._counted(getattr(store, name)))

    def _counted(self, method: Any) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            self.total += 1
            try:
                return await method(*args, **options)
            finally:
                self.calls -= 1

        return call


async def quiet(world: World) -> None:
    """Wait until nothing is left to do at this instant: no call of the store, no event in a queue."""
    still = 0
    while still < 2:
        before = world.busy.total
        await settle(30)
        waiting = sum(each._queue.qsize() for group in world.kernel.events._subscriptions.values() for each in group)
        if world.busy.calls or waiting:
            await asyncio.sleep(0.001)
        still = still + 1 if not world.busy.calls and not waiting and world.busy.total == before else 0


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    stand_ins: StandIns | None = None,
    clock: FakeClock | None = None,
    plugins: tuple[Any, ...] = (),
    **config: Any,
) -> AsyncIterator[World]:
    """Open a runtime below `folder`; give the same stand-ins and clock again to restart it."""
    stand_ins, clock = stand_ins or StandIns(), clock or FakeClock()
    url = config.pop("store_url", "")
    tables: dict[str, Any] = {"scheduler": config}
    if url:
        tables["store"] = {"url": url}
    async with open_kernel(
        folder, [stand_ins, "symbi_scheduler.plugin", *plugins], tables=tables, clock=clock
    ) as kernel:
        yield World(kernel, stand_ins, clock)
