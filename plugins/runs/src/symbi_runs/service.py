"""The service of runs: starts, follows and stops them (`symbi.contracts.runs.RunService`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService
from symbi.contracts.effects import EffectFailed
from symbi.contracts.engines import QueuedRun, RunEngine
from symbi.contracts.errors import CapacityExceeded, Conflict, IdempotencyMismatch, NotFound, Unavailable
from symbi.contracts.principal import Principal
from symbi.contracts.runs import END_STATES, LiveRun, RunEnded, RunEvent, RunOptions, RunStarted, RunView
from symbi.kernel.points import RUN_ENGINES
from symbi_runs import statements
from symbi_runs.admission import Pool, machine_cores, machine_memory
from symbi_runs.attempt import Attempt
from symbi_runs.audited import record_end
from symbi_runs.config import ExecutionConfig
from symbi_runs.figures import Figures
from symbi_runs.house import Furniture
from symbi_runs.hub import Hub
from symbi_runs.journal import RunJournal
from symbi_runs.kin import Kin
from symbi_runs.ledger import Ledger
from symbi_runs.mailbox import Mailboxes
from symbi_runs.node import Node
from symbi_runs.outcomes import Ending
from symbi_runs.records import RunRecord, view_of
from symbi_runs.starting import authorize, find_agent, make_run
from symbi_runs.takeup import start_for_event, take_up_lost

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Runs", "open_runs"]

FOLLOW_POLL_SECONDS = 1.0


class Runs(Furniture):
    """Implements `symbi.contracts.runs.RunService` on the store, with the engine that is configured."""

    def __init__(
        self, context: PluginContext, config: ExecutionConfig, stack: contextlib.AsyncExitStack, engine: RunEngine
    ) -> None:
        super().__init__(context, config, stack)
        self.hub = Hub()
        self.ledger = Ledger(context.store, written=self.hub.tell)
        self.figures = Figures(context.clock)
        memory = config.memory_bytes or int(machine_memory() * 0.8)
        pool = Pool(slots=config.max_running, memory_bytes=memory, cores=machine_cores())
        name = f"{context.ids.uuid()[:8]}"
        self.engine = engine
        self.node = Node(
            context,
            config,
            name=name,
            pool=pool,
            carry=self._carry,
            lost=partial(take_up_lost, self),
            freed=self._freed,
        )
        self.mailbox = Mailboxes(
            context,
            limit=config.mailbox_limit,
            tries=config.mailbox_tries,
            start=partial(start_for_event, self),
            hold=self._hold,
        )
        self.attempts: dict[str, Attempt] = {}
        if context.environ.get("SYMBI_ROLE") == "command":
            # A command that only looks must not take runs it would end again at once.
            self.node.scope = "own" if context.environ.get("SYMBI_RUNS") == "own" else "none"
        self.kin = Kin(self)

    async def start(
        self, agent: str, input: Any, *, principal: Principal, options: RunOptions | None = None
    ) -> RunView:
        """Queue one run of the agent and return it once it is durable."""
        return await self.start_run(agent, input, principal, options or RunOptions(), gated=True)

    async def start_run(
        self, agent: str, given: Any, principal: Principal, options: RunOptions, *, gated: bool
    ) -> RunView:
        """Queue one run; `gated=False` is for what has passed the gate already."""
        if self.node.draining:
            raise Unavailable("the runtime is stopping")
        if options.definition is not None and not agent:
            agent = await self.first_agent(options.definition)
        view, spec = await find_agent(self.context, agent, options)
        if len(self.engine) >= self.config.max_queued:
            raise CapacityExceeded(f"{self.config.max_queued} runs wait already", code="QUEUE_FULL")
        fresh = make_run(self.context, self.config, view, spec, given, principal=principal, options=options)
        if gated:
            await authorize(self.context, view, fresh.record.input, principal, options)
        run_id, fingerprint = await self.ledger.insert(fresh)
        if run_id != fresh.record.id:
            assert fresh.key is not None
            if fingerprint != fresh.key.fingerprint:
                raise IdempotencyMismatch("this idempotency key was used with another input")
            return await self.get(run_id)
        self.figures.started()
        if self.node.scope == "own":
            self.node.own.add(run_id)
        self.enqueue(fresh.record)
        return view_of(fresh.record)

    def enqueue(self, record: RunRecord) -> None:
        """Tell the engine of a run that is queued and due, if it is for this node."""
        if self.node.wants(record.id):
            self.engine.add(msgspec.structs.replace(record, not_before=0).entry())

    async def get(self, run_id: str) -> RunView:
        """Return one run; raises `NotFound`."""
        return view_of(await self._record(run_id))

    async def _record(self, run_id: str) -> RunRecord:
        record = await self.context.store.read(statements.load_run, run_id)
        if record is None:
            raise NotFound(f"no run {run_id!r}", code="RUN_NOT_FOUND")
        return record

    async def list(
        self,
        *,
        agent_id: str | None = None,
        status: Sequence[str] = (),
        schedule_id: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> list[RunView]:
        """Return runs, newest first."""
        found = await self.context.store.read(
            statements.find_runs,
            agent_id=agent_id,
            status=tuple(status),
            schedule_id=schedule_id,
            limit=limit,
            before=before,
        )
        return [view_of(record) for record in found]

    async def wait(self, run_id: str, *, timeout: float | None = None) -> RunView:
        """Return the run once it has ended, or as it is when `timeout` seconds have passed."""
        deadline = None if timeout is None else self.context.clock.monotonic() + timeout
        with self.hub.await_end(run_id) as ended:
            while True:
                view = await self.get(run_id)
                left = None if deadline is None else deadline - self.context.clock.monotonic()
                if view.ended or (left is not None and left <= 0):
                    return view
                # An end on another node is told by nobody, so the store is looked at again.
                pause = FOLLOW_POLL_SECONDS if self.node.shared else 10 * FOLLOW_POLL_SECONDS
                done, _ = await asyncio.wait({ended}, timeout=pause if left is None else min(pause, left))
                if done:
                    return ended.result()

    async def events(self, run_id: str, *, after: int = 0, follow: bool = True) -> AsyncIterator[RunEvent]:
        """Yield the journal from `seq` > `after`, then what comes, until a terminal event."""
        await self._record(run_id)
        last_look = False
        with self.hub.follow(run_id) as news:
            while True:
                news.clear()
                found = await self.context.store.read(statements.events_after, run_id, after)
                for event in found:
                    after = event.seq
                    yield event
                    if event.kind in END_STATES:
                        return
                if found:
                    continue
                if last_look or not follow:
                    return
                if (await self._record(run_id)).status in END_STATES:
                    # It may have ended after the journal was read, so that is read once more.
                    last_look = True
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FOLLOW_POLL_SECONDS):
                        await news.wait()

    async def cancel(self, run_id: str, *, principal: Principal, reason: str = "") -> RunView:
        """Ask a run to stop; raises `NotFound`, or `Conflict` where it has ended."""
        record = await self._record(run_id)
        if record.status in END_STATES:
            raise Conflict(f"the run has ended already ({record.status})", code="RUN_ENDED")
        error = {"code": "cancelled", "message": reason or "cancelled", "by": principal.id}
        await self._stop(record, error)
        return await self.get(run_id)

    async def _stop(self, record: RunRecord, error: dict[str, Any]) -> None:
        attempt = self.attempts.get(record.id)
        if attempt is not None:
            attempt.stop(error)
            return
        now = self.context.clock.now_ms()
        values = {"status": "terminated", "error": error, "completed_at": now, "wait": None}
        data = {"error": error}
        if await self.context.store.write(
            statements.end_unclaimed, record.id, values=values, kind="terminated", data=data, now=now
        ):
            self.engine.remove(record.id)
            await self.tell_end(msgspec.structs.replace(record, **values))
            return
        # Claimed: by this node, which may be about to begin, or by another, which hears of it when it renews its lease.
        await self.context.store.write(statements.request_cancel, record.id, error)
        attempt = self.attempts.get(record.id)
        if attempt is not None:
            attempt.stop(error)

    async def stop_if_running(self, run_id: str, *, reason: str) -> None:
        """Stop a run for the runtime's own reasons; does nothing once it has ended."""
        record = await self._record(run_id)
        if record.status not in END_STATES:
            await self._stop(record, {"code": "cancelled", "message": reason})

    async def live(self, agent_id: str) -> Sequence[LiveRun]:
        """Return the runs of an agent that have not ended, newest first, with what was last measured of each."""
        open_states = ("queued", "claimed", "running", "waiting")
        views = await self.list(agent_id=agent_id, status=open_states, limit=1000)
        found = []
        for view in views:
            attempt = self.attempts.get(view.run_id)
            if attempt is None:
                found.append(LiveRun(run_id=view.run_id, status=view.status, started_at=view.started_at))
            else:
                found.append(attempt.snapshot())
        return found

    def tell(self, run_id: str, kind: str, data: dict[str, Any]) -> None:
        """Add an event to the journal of a run under way here; does nothing for any other."""
        attempt = self.attempts.get(run_id)
        if attempt is not None and not attempt.journal.closed:
            attempt.told(kind, data)

    async def heartbeat(self, agent_id: str) -> int:
        """Note a sign of life of the agent's running runs and return how many there are."""
        mine = [attempt for attempt in self.attempts.values() if attempt.record.agent_id == agent_id]
        for attempt in mine:
            attempt.sign_of_life()
        return sum(1 for attempt in mine if attempt.execution is not None)

    async def deliver(
        self, agent_id: str, event_type: str, payload: Any, *, principal: Principal, event_id: str | None = None
    ) -> str:
        """Put an event into the mailbox of an event-driven agent, durably, and return its id."""
        agent = await self.context.services.get(AgentService).resolve(agent_id)
        if agent is None or agent.archived:
            raise NotFound(f"no agent {agent_id!r}", code="AGENT_NOT_FOUND")
        listening = any(attempt.record.agent_id == agent.id for attempt in self.attempts.values())
        if agent.mode != "event_driven" and not listening:
            raise Conflict(
                f"agent {agent.name!r} is {agent.mode} and nothing of it runs, so it takes no events",
                code="AGENT_TAKES_NO_EVENTS",
            )
        found = await self.mailbox.put(agent.id, event_type, payload, principal=principal, event_id=event_id)
        if agent.mode == "event_driven":
            self.context.tasks.start(f"mail {agent.id}", self.mailbox.dispatch(agent.id))
        return found

    async def stop_agent(self, agent_id: str, *, principal: Principal, reason: str = "") -> None:
        """Cancel every run of the agent, empty its mailbox, and return when nothing of it runs any more."""
        await self.mailbox.empty(agent_id)
        error = {"code": "cancelled", "message": reason or "the agent was stopped", "by": principal.id}
        open_states = ("queued", "claimed", "running", "waiting")
        while True:
            found = await self.context.store.read(
                statements.find_runs, agent_id=agent_id, status=open_states, limit=500
            )
            if not found:
                return
            for record in found:
                await self._stop(record, error)
            await asyncio.gather(*(self.wait(record.id, timeout=self.config.grace_seconds + 5) for record in found))

    async def resume(self, run_id: str, *, outcome: dict[str, Any]) -> None:
        """Let a run that waits go on; a run in a process of ours hears of it from what it waits for, a parked one is queued again."""
        record = await self._record(run_id)
        if record.status != "waiting" or record.owner is not None:
            return
        now = self.context.clock.now_ms()
        if await self.context.store.write(statements.requeue_waiting, run_id, outcome=outcome, now=now):
            self.enqueue(record)

    def lend_slot(self, run_id: str) -> contextlib.AbstractContextManager[None]:
        """Free the run's slot while it only waits."""
        lent = self.node.pool.lend(run_id)
        self.engine.wake()
        return lent

    async def _hold(self, run_id: str, what: str) -> Callable[[], Awaitable[None]]:
        attempt = self.attempts.get(run_id)
        if attempt is None:
            raise EffectFailed("the run is not here any more", code="not_here")
        await attempt.wait_for(what)
        return attempt.go_on

    async def _carry(self, record: RunRecord, seq: int) -> QueuedRun | None:
        """Carry out one claimed run (the node calls this); return what is to be queued again."""
        attempt: Attempt | None = None
        journal = RunJournal(
            record.id,
            fence=record.fence,
            last_seq=seq,
            ledger=self.ledger,
            clock=self.context.clock,
            broken=lambda reason: attempt.abandon(reason) if attempt is not None else None,
        )
        attempt = Attempt(self, record, journal)
        self.attempts[record.id] = attempt
        try:
            if not self.node.pool.can_ever_hold(record.entry()):
                attempt.refuse("unschedulable", "the run declares more memory or cores than this machine has")
            else:
                attempt.stopping = record.cancel or await self.kin.why_not(record)
            ending = await attempt.work()
        finally:
            self.attempts.pop(record.id, None)
        if ending is None or not ending.again or self.node.draining:
            return None
        due = int(ending.values.get("not_before", 0))
        return msgspec.structs.replace(record, status="queued", not_before=due).entry()

    def began(self, record: RunRecord) -> None:
        """Tell that a run's process has begun."""
        self.context.events.publish(RunStarted(run=view_of(record)))

    def _freed(self, run_id: str, again: QueuedRun | None) -> None:
        self.engine.done(run_id)
        if again is not None:
            self.engine.add(again)

    async def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Tell that an attempt is over; its end is durable."""
        if ending.again:
            self.hub.tell(attempt.record.id)
            return
        await self.tell_end(msgspec.structs.replace(attempt.record, **ending.values))
        if ending.status in ("terminated", "failed"):
            self.kin.stop(attempt.record.id)

    def children_of(self, run_id: str) -> int:
        """Return how many runs that the run has started are under way here."""
        return self.kin.count_of(run_id)

    async def tell_end(self, record: RunRecord) -> None:
        """Tell everybody that a run has ended, durably."""
        view = view_of(record)
        self.figures.ended(record.status)
        self.hub.tell_end(view)
        origin: dict[str, Any] = record.options.get("origin") or {}
        self.context.events.publish(RunEnded(run=view, origin=origin))
        self.context.tasks.start(f"audit {record.id}", record_end(self.context, record))
        if "mailbox" in origin:
            await self.mailbox.handled(record.agent_id, int(origin["mailbox"]), ok=record.status == "completed")

    def cancelled_elsewhere(self, run_id: str, cancel: dict[str, Any]) -> None:
        """Stop a run because another node was asked to."""
        attempt = self.attempts.get(run_id)
        if attempt is not None:
            attempt.stop(cancel)

    async def shut_down(self) -> None:
        """Stop taking runs, end those under way (all at once), and leave what is queued or waits in the store."""
        self.node.draining = True
        for attempt in list(self.attempts.values()):
            if attempt.live.status == "waiting":
                attempt.leave()
            else:
                attempt.stop({"code": "shutdown", "message": "the runtime was stopped"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.grace_seconds + 5):
                await self.node.idle()
        await self.ledger.settled()


@contextlib.asynccontextmanager
async def open_runs(config: ExecutionConfig, context: PluginContext) -> AsyncIterator[Runs]:
    """Open the service: take up what an earlier life has left, then take runs until it is closed."""
    from symbi_runs.upkeep import keep

    async with contextlib.AsyncExitStack() as stack:
        engine = await stack.enter_async_context(context.open(RUN_ENGINES, config.engine))
        runs = Runs(context, config, stack, engine)
        async with keep(runs):
            yield runs
