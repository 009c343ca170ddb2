"""Starts claimed fires: rights and policy first, then the run (R-GATE: bounds, calendar, overlap, policy, identity, jitter, start)."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Row

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.approvals import Approvals
from symbi.contracts.errors import CapacityExceeded, Conflict, Forbidden, PolicyDenied, SymbiError, Unavailable
from symbi.contracts.policy import Decision, Gate, PolicyHeld, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunService
from symbi.kernel.context import PluginContext
from symbi_scheduler.behaviour import behaviour_of, read_options
from symbi_scheduler.claims import hand_back, load_starts, mark_held, mark_running
from symbi_scheduler.conditions import check_conditions
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.ending import Ending
from symbi_scheduler.fire_ids import idempotency_key
from symbi_scheduler.firing import Claimed
from symbi_scheduler.principals import current_principal
from symbi_scheduler.settling import Outcome
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Starter", "run_request"]

_log = logging.getLogger("symbi.scheduler")
_AGAIN_MS = 1000


class Starter:
    """Turns claimed fires into runs, or records why not."""

    def __init__(self, context: PluginContext, config: SchedulerConfig, keeper: Timekeeper, ending: Ending) -> None:
        self._context = context
        self._config = config
        self._keeper = keeper
        self._ending = ending

    async def start(self, claimed: list[Claimed]) -> None:
        """Start these fires, each by itself: one that fails does not touch the others."""
        rows = {row.id: row for row in await self._context.store.read(load_starts, [each.id for each in claimed])}
        for each in claimed:
            row = rows.get(each.id)
            if row is not None:
                self._context.tasks.start(f"start {each.id}", self.start_one(each, row))

    async def start_one(self, claimed: Claimed, row: Row[Any]) -> None:
        """Start one fire; every way it can go is recorded on the fire."""
        try:
            await self._start(claimed, row)
        except PolicyHeld as held:
            await self._context.store.write_committed(
                mark_held, claimed, approval_id=held.approval_id, reason=held.message
            )
        except (PolicyDenied, Forbidden) as refused:
            await self._end(claimed, "denied", refused)
        except (CapacityExceeded, Unavailable) as full:
            again = self._keeper.now() + _AGAIN_MS
            await self._context.store.write_committed(
                hand_back, claimed, not_before=again, reason=f"could not be started yet: {full.message}"
            )
            self._ending.freed(again)
        except SymbiError as error:
            await self._end(claimed, "failed", error)
        except Exception as error:
            _log.exception("fire %s of schedule %s could not be started", claimed.id, claimed.schedule_id)
            await self._end(claimed, "failed", SymbiError(f"the run could not be started: {type(error).__name__}"))

    async def _start(self, claimed: Claimed, row: Row[Any]) -> None:
        principal = await current_principal(self._context, row.caller or row.owner)
        agent = await self._agent(row)
        if not principal.may_use_agent(agent.id) and principal.kind != "system":
            raise Forbidden(
                f"{principal.display_name or principal.id} may not use the agent {agent.name!r} any more",
                code="AGENT_SCOPE_DENIED",
            )
        own = read_options(row.options)
        await check_conditions(self._context, own, agent, timezone=row.timezone, now=self._keeper.now())
        await self._pass_gate(row, agent, principal, person=bool(own.require_approval))
        how = behaviour_of(row.options, self._config)
        options = RunOptions(
            trigger="schedule", idempotency_key=f"fire:{row.id}", priority=how.priority, schedule_id=row.schedule_id,  # type: ignore[arg-type]
            scheduled_for=row.scheduled_for, session=how.session, surface="schedule", policy_ids=row.policy_ids, timeout_seconds=how.timeout_seconds,
            origin={
                "kind": "schedule", "schedule_id": row.schedule_id, "fire_id": row.id, "scheduled_for": row.scheduled_for, "attempt": row.attempt,
                "idempotency_key": idempotency_key(row.schedule_id, row.scheduled_for),
            },
        )  # fmt: skip
        run = await self._context.services.get(RunService).start(
            agent.id, row.own_input if row.own_input is not None else row.input, principal=principal, options=options
        )
        noted = await self._context.store.write_committed(
            mark_running, claimed, run_id=run.run_id, at=self._keeper.now()
        )
        if not noted:
            _log.debug("fire %s had ended, or was taken over, before its start was noted", claimed.id)
        if run.ended:
            await self._ending.run_ended(run, claimed.id)

    async def _agent(self, row: Row[Any]) -> AgentView:
        agents = self._context.services.get(AgentService)
        agent = await agents.resolve(row.agent_id) or await agents.resolve(row.agent)
        if agent is None or agent.archived:
            raise Conflict(
                f"the agent {row.agent!r} is gone",
                code="AGENT_NOT_FOUND",
                hint="point the schedule to another agent, or delete it",
            )
        return agent

    async def _pass_gate(self, row: Row[Any], agent: AgentView, principal: Principal, *, person: bool) -> None:
        gate = self._context.services.maybe(Gate)
        if gate is None:
            raise PolicyDenied("no policy gate is installed, so nothing may run", hint="pip install symbi-policy")
        request = run_request(row, agent, principal)
        if person:
            await self._ask_a_person(request, row.approval_id, gate.revision)
        gate.redeem(await gate.admit(request, approval=row.approval_id))

    async def _ask_a_person(self, request: PolicyRequest, approval_id: str | None, revision: str) -> None:
        """Hold a fire whose schedule demands approval until it has one; the gate still decides after that."""
        approvals = self._context.services.maybe(Approvals)
        if approvals is None:
            raise PolicyDenied(
                "the schedule demands approval, and no list of approvals is installed",
                hint="pip install symbi-approvals",
            )
        if approval_id is not None and (await approvals.get(approval_id)).status == "approved":
            return
        reason = "the schedule demands the approval of every run"
        held = await approvals.hold(request, reason=reason, group="operators", policy_revision=revision)
        decision = Decision(decision="hold", reason=reason)
        raise PolicyHeld(f"{reason}; {held.id} waits for a person", approval_id=held.id, decision=decision)

    async def _end(self, claimed: Claimed, status: str, error: SymbiError) -> None:
        code = error.error_code.lower()
        outcome = Outcome(
            status=status,
            at=self._keeper.now(),
            error={"code": code, "message": error.message},
            reason=str(error),
            fence=claimed.fence,
        )
        await self._ending.end(claimed.id, outcome)


def run_request(row: Row[Any], agent: AgentView, principal: Principal) -> PolicyRequest:
    """The question put to the gate for one fire: may the creator of the schedule have it fire now? Everything in it comes from the runtime."""
    return PolicyRequest(
        principal=principal, action="schedule_run", target=row.name, surface="schedule", source="schedule", call_id=row.id,
        resource=ResourceFacts(
            type="Schedule", id=row.name,
            attributes={
                "id": row.schedule_id, "kind": row.kind, "timezone": row.timezone, "trigger": row.trigger, "attempt": row.attempt,
                "consecutive_failures": row.failures, "declared": row.source is not None, "agent": agent.name, "agent_id": agent.id,
                "agent_owner": agent.owner, "agent_revision": agent.revision,
            },
        ),
        trusted={"scheduled_for": row.scheduled_for},
    )  # fmt: skip
