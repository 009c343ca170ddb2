"""One attempt at a run: from the claim to its end, whichever way that comes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from symbi.contracts.agents import AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import SymbiError, Unavailable
from symbi.contracts.executors import AgentExecutor, Execution, ExecutionJob, ExecutionOutcome
from symbi.contracts.masking import mask
from symbi.contracts.policy import AgentFacts, AgentRules
from symbi.contracts.runs import LiveRun
from symbi.contracts.telemetry import inside_run, log_fields, split_traceparent
from symbi_runs.config import ExecutionConfig
from symbi_runs.effects import EffectDesk
from symbi_runs.gatekeeper import Gatekeeper
from symbi_runs.journal import Fenced, RunJournal
from symbi_runs.outcomes import Ending, judge
from symbi_runs.prepare import choose_executor, limits_of, program_of, tier_of, wall_seconds
from symbi_runs.processes import describe_process
from symbi_runs.records import RunRecord
from symbi_runs.statements import StoredEffect
from symbi_runs.wall import WallClock

if TYPE_CHECKING:
    from symbi.contracts.effects import EffectHandler
    from symbi.kernel.context import PluginContext

__all__ = ["Attempt", "House"]

SAMPLES_APART = 6
"""Every sixth measurement is journaled, so that a run that stays for days does not fill the store."""


class House(Protocol):
    """What an attempt needs of the service it belongs to."""

    context: PluginContext
    config: ExecutionConfig
    unavailable: dict[str, str]

    async def agent_of(self, record: RunRecord) -> tuple[AgentView, AgentSpec]:
        """Return the agent as it was when the run was started."""

    async def executors(self, tier: str) -> dict[str, AgentExecutor]:
        """Return the opened executors."""

    async def rules_of(self, agent: AgentView, spec: AgentSpec, record: RunRecord) -> AgentRules | None:
        """Return the agent's own rules for the gate."""

    async def stored_effects(self, record: RunRecord) -> dict[int, StoredEffect]:
        """Return what the journal holds of the run's effects."""

    def handlers(self) -> dict[str, EffectHandler]:
        """Return who carries out which kind of effect."""

    def languages(self) -> dict[str, str]:
        """Return the entries of the installed languages."""

    def began(self, record: RunRecord) -> None:
        """Take note that the process runs."""

    async def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Take note of the end, which is durable by now."""

    def children_of(self, run_id: str) -> int:
        """Return how many runs that the run has started are under way."""

    def lend_slot(self, run_id: str) -> contextlib.AbstractContextManager[None]:
        """Free the run's slot while it only waits."""


class Attempt:
    """Carries out one claimed run; `work()` returns when its end is durable, or when the claim is lost."""

    def __init__(self, house: House, record: RunRecord, journal: RunJournal) -> None:
        self.house = house
        self.record = record
        self.journal = journal
        self.execution: Execution | None = None
        self.desk: EffectDesk | None = None
        self.live = LiveRun(run_id=record.id, status="claimed")
        self.stopping: dict[str, Any] | None = None
        self.abandoned = ""
        self.leaving = False
        self._refusal: SymbiError | None = None
        self.wall: WallClock | None = None
        self._samples = 0
        self._waits = 0
        self._lent: contextlib.ExitStack | None = None
        self._failure: ExecutionOutcome | None = None
        self._started_at = record.started_at
        self._last_sign = 0.0

    async def work(self) -> Ending | None:
        """Run it and write its end, which is returned; a claim that is lost ends the process and writes nothing."""
        trace = split_traceparent(self.record.run_options().traceparent)
        log_fields.set({"run_id": self.record.id, **({"trace_id": trace[0]} if trace else {})})
        try:
            outcome = await self._outcome()
        finally:
            self._release_wait()
            if self.wall is not None:
                self.wall.hold()
        if self.abandoned:
            self.house.context.logger.warning("run %s is given up here: %s", self.record.id, self.abandoned)
            self.journal.close()
            return None
        ending = judge(self, outcome)
        with contextlib.suppress(OSError):
            # An empty folder tells nothing; one with files stays as long as the run is kept.
            (self.house.context.data_dir / "runs" / self.record.id).rmdir()
        try:
            await self.journal.write(*ending.events, values=ending.values)
        except SymbiError as error:
            # The lease runs out, and whoever finds the run then takes it up again.
            self.house.context.logger.error("the end of run %s cannot be written: %s", self.record.id, error)
            return None
        finally:
            self.journal.close()
        await self.house.ended(self, ending)
        return ending

    async def _outcome(self) -> ExecutionOutcome:
        try:
            execution = await self._start()
        except Fenced:
            return ExecutionOutcome(status="failed", code="fenced")
        except SymbiError as error:
            code = error.error_code if error.error_code != "UNAVAILABLE" else "unavailable"
            return ExecutionOutcome(
                status="failed", code=code, message=str(error), retryable=isinstance(error, Unavailable)
            )
        except Exception as error:
            self.house.context.logger.exception("run %s could not be started", self.record.id)
            text = f"the run could not be started ({type(error).__name__})"
            return ExecutionOutcome(status="failed", code="internal_error", message=text)
        try:
            return await execution.wait()
        except asyncio.CancelledError:
            await execution.stop(reason="the runtime stops", grace_seconds=0)
            raise

    async def _start(self) -> Execution:
        house, record = self.house, self.record
        if self._refusal is not None:
            raise self._refusal
        if self.stopping is not None:
            raise _stopped_early()
        agent, spec = await house.agent_of(record)
        tier = tier_of(house.config, spec)
        executor, tier = choose_executor(
            await house.executors(tier), tier, first=house.config.executor, missing=house.unavailable
        )
        entry, program, facts = await program_of(house.context, agent, spec, record, house.languages())
        wall = wall_seconds(house.config, spec, record)
        self.wall = WallClock(wall, clock=house.context.clock, over=lambda: self._out_of_time(wall))
        run = self._effect_context(self.wall.deadline_ms())
        self.desk = EffectDesk(
            house.context,
            run,
            journal=self.journal,
            gatekeeper=await self._gatekeeper(run, agent, spec, tier),
            handlers=house.handlers(),
            stored=await house.stored_effects(record),
            epoch=record.epoch,
            most=house.config.max_effects,
            park=self._park,
            fail=self._fail,
        )
        job = ExecutionJob(
            run_id=record.id,
            attempt=record.attempt,
            agent=agent.name,
            entry=entry,
            program=program,
            arguments=record.input,
            working_folder=run.working_folder,
            limits=limits_of(house.config, spec),
            tier=tier,
            facts={**facts, **_facts(record, agent)},
        )
        if self.stopping is not None:
            raise _stopped_early()
        execution = await executor.start(job, effects=self.desk.answer, notify=self._notify)
        self._begun(execution)
        return execution

    def _begun(self, execution: Execution) -> None:
        now = self.house.context.clock.now_ms()
        self.execution = execution
        if self.wall is not None:
            self.wall.run()
        self._started_at = self._started_at or now
        self._last_sign = self.house.context.clock.monotonic()
        self.live = msgspec.structs.replace(self.live, status="running", pid=execution.pid, started_at=now)
        values = {"status": "running", "started_at": self._started_at, "process": describe_process(execution.pid)}
        self.journal.post(("started", {"pid": execution.pid, "attempt": self.record.attempt}), values=values)
        self.record = msgspec.structs.replace(self.record, status="running", started_at=self._started_at)
        self.house.began(self.record)
        if self.stopping is not None or self.abandoned:
            self.stop(self.stopping or {"code": "abandoned", "message": self.abandoned})

    def _effect_context(self, deadline_ms: int | None) -> EffectContext:
        record, options = self.record, self.record.run_options()
        return EffectContext(
            run_id=record.id,
            agent_id=record.agent_id,
            agent=record.agent,
            principal=record.principal,
            attempt=record.attempt,
            surface=options.surface,
            depth=options.depth,
            chain=options.chain,
            session=options.session,
            working_folder=str(self.house.context.data_dir / "runs" / record.id),
            deadline_ms=deadline_ms,
            traceparent=inside_run(record.id, options.traceparent),
            parent_run_id=options.parent_run_id,
        )

    async def _gatekeeper(self, run: EffectContext, agent: AgentView, spec: AgentSpec, tier: str) -> Gatekeeper:
        record = self.record
        options = record.run_options()
        facts = AgentFacts(
            id=agent.id, name=_policy_name(agent, record), tier=tier, owner=agent.owner, revision=record.revision
        )
        trusted: dict[str, Any] = {"trigger": record.trigger}
        if options.policy_ids:
            trusted["policy_ids"] = list(options.policy_ids)
        return Gatekeeper(
            self.house.context.services,
            run,
            facts,
            rules=await self.house.rules_of(agent, spec, record),
            trusted=trusted,
            # Rides with the effect's own write, or a quarter of a second later; what must not be lost of it is in the audit log.
            decided=lambda data: self.journal.lossy("gate", data),
            children=lambda: self.house.children_of(record.id),
        )

    def stop(self, error: dict[str, Any], *, grace_seconds: float | None = None) -> None:
        """Have it end as `terminated` with this error; the first reason counts."""
        if self.stopping is None:
            self.stopping = error
        if self.execution is not None:
            work = self.execution.stop(reason=str(error.get("message", "")), grace_seconds=grace_seconds)
            self.house.context.tasks.start(f"stop {self.record.id}", work)

    def refuse(self, code: str, message: str) -> None:
        """Have it end as `failed` before it begins."""
        self._refusal = SymbiError(message, code=code)

    def leave(self) -> None:
        """End the process of a run that only waits, and leave the run waiting in the store for the next start."""
        self.leaving = True
        if self.execution is not None:
            work = self.execution.stop(reason="the runtime was stopped", grace_seconds=0)
            self.house.context.tasks.start(f"leave {self.record.id}", work)

    def abandon(self, reason: str) -> None:
        """The claim is lost, or nothing can be written: end the process now, and write nothing more."""
        self.abandoned = self.abandoned or reason
        if self.execution is not None:
            work = self.execution.stop(reason=reason, grace_seconds=0)
            self.house.context.tasks.start(f"abandon {self.record.id}", work)

    def outcome_of_failure(self, outcome: ExecutionOutcome) -> ExecutionOutcome:
        """Return what counts: a verdict of the runtime itself before what the process said last."""
        return self._failure or outcome

    def sign_of_life(self) -> None:
        """Note that the agent has been heard of."""
        self._last_sign = self.house.context.clock.monotonic()

    def snapshot(self) -> LiveRun:
        """Return what is known of it now."""
        silent = self.house.context.clock.monotonic() - self._last_sign
        most = 2 * self.house.config.sample_seconds + 5
        if self.execution is not None and silent > most:
            reason = f"no sign of life for {silent:.0f} s"
            return msgspec.structs.replace(self.live, healthy=False, reason=reason)
        return self.live

    async def _park(self, approval: str, reason: str) -> None:
        """Show that the run waits for a person, and that it goes on."""
        if approval:
            self._waits += 1
            self._lend()
            self.live = msgspec.structs.replace(self.live, status="waiting")
            values = {"status": "waiting", "wait": {"approval_id": approval, "reason": reason}}
            await self.journal.write(("waiting", {"approval_id": approval, "reason": reason}), values=values)
            return
        self._waits -= 1
        if self._waits <= 0:
            self._release_wait()
            self._run_on()
            self.live = msgspec.structs.replace(self.live, status="running")
            await self.journal.write(("resumed", {}), values={"status": "running", "wait": None})

    def told(self, kind: str, data: dict[str, Any]) -> None:
        """Take an event from whoever carries out an effect; usage that says `count` goes to the run's account."""
        if kind == "usage" and data.get("count") and self.desk is not None:
            self.desk.add_usage(tokens=data.get("tokens"), cost_usd=data.get("cost_usd"))
        if kind == "usage":
            self.journal.lossy(kind, data)
        else:
            self.journal.post((kind, data))

    async def wait_for(self, what: str) -> None:
        """Show that the run waits for something that is no person."""
        self._waits += 1
        self._lend()
        self.live = msgspec.structs.replace(self.live, status="waiting")
        await self.journal.write(("waiting", {"for": what}), values={"status": "waiting", "wait": {"for": what}})

    async def go_on(self) -> None:
        """Show that the run goes on."""
        await self._park("", "")

    def _lend(self) -> None:
        if self._lent is None:
            if self.wall is not None:
                self.wall.hold()
            self._lent = contextlib.ExitStack()
            self._lent.enter_context(self.house.lend_slot(self.record.id))

    def _release_wait(self) -> None:
        lent, self._lent = self._lent, None
        if lent is not None:
            lent.close()

    def _run_on(self) -> None:
        """Let the run's time go on, with what was left of it."""
        if self.wall is not None and self.desk is not None:
            self.desk.set_deadline(self.wall.deadline_ms())
            self.wall.run()

    def _out_of_time(self, wall: float | None) -> None:
        self._fail("limit_wall", f"the run took longer than {wall:g} s")

    def _fail(self, code: str, message: str) -> None:
        if self._failure is None:
            retryable = code == "journal_failed"
            self._failure = ExecutionOutcome(status="failed", code=code, message=message, retryable=retryable)
        if self.execution is not None:
            work = self.execution.stop(reason=message, grace_seconds=1.0)
            self.house.context.tasks.start(f"fail {self.record.id}", work)

    def _notify(self, kind: str, data: dict[str, Any]) -> None:
        self.sign_of_life()
        if kind == "step":
            self.journal.lossy("step", data)
        elif kind == "log":
            self.journal.lossy("log", mask(data))
        elif kind == "sample":
            self.live = msgspec.structs.replace(
                self.live,
                sampled_at=data.get("at"),
                memory_bytes=data.get("memory_bytes"),
                cpu_percent=data.get("cpu_percent"),
            )
            self._samples += 1
            if self.house.config.keep_samples and self._samples % SAMPLES_APART == 1:
                self.journal.lossy("sample", data)


def _policy_name(agent: AgentView, record: RunRecord) -> str:
    """Return the name under which policies know the agent.

    A text that is run once can call its agent whatever it likes; only an administrator's may so stand for a registered agent.
    """
    if agent.id.startswith("adhoc:") and not record.principal.admin:
        return agent.id
    return agent.agent or agent.name


def _stopped_early() -> SymbiError:
    return SymbiError("stopped before it began", code="cancelled")


def _facts(record: RunRecord, agent: AgentView) -> dict[str, Any]:
    options = record.run_options()
    return {
        "agent": {"id": agent.id, "name": agent.name},
        "session": {"id": options.session},
        "context": {"run_id": record.id, "trigger": record.trigger, "attempt": record.attempt, "depth": options.depth},
        "user": {"id": record.principal.id, "name": record.principal.display_name},
    }
