"""Runs that begin from the journal of another: a replay of the whole of it, or a fork from one of its steps (spec `reasoning.md` RSN-43)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, insert

from symbi.contracts.agents import AgentService
from symbi.contracts.errors import Conflict, InvalidRequest, NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.runs import END_STATES, RunEvent, RunOptions
from symbi_runs import statements
from symbi_runs.queue import rank_of
from symbi_runs.records import RunRecord
from symbi_runs.starting import authorize
from symbi_runs.statements import NewRun, StoredEffect
from symbi_runs.tables import EFFECTS

if TYPE_CHECKING:
    from symbi_runs.service import Runs

__all__ = ["fork_run"]


async def fork_run(runs: Runs, run_id: str, *, step: int | None, principal: Principal) -> RunRecord:
    """Queue a run with the input and definition of an ended one, whose first `step` effects are answered from its journal (None: all).

    Nothing that is answered from the journal is asked or done again; where the program takes another course, the run fails
    (`journal_diverged`). Files of the earlier run are not there. Raises `NotFound`, `Conflict` for a run that has not ended, `InvalidRequest`,
    `PolicyDenied`.
    """
    record = await runs.context.store.read(statements.load_run, run_id)
    if record is None:
        raise NotFound(f"no run {run_id!r}", code="RUN_NOT_FOUND")
    if record.status not in END_STATES:
        raise Conflict("only a run that has ended can be forked", code="RUN_NOT_ENDED")
    if step is not None and step < 0:
        raise InvalidRequest("step counts effects, from 0", details={"field": "step"})
    agent = await runs.context.services.get(AgentService).resolve(record.agent_id)
    kept = await runs.context.store.read(statements.definition, record.revision)
    if agent is None or kept is None:
        raise Conflict("the agent, or its definition of that time, is not kept any more", code="RUN_NOT_REPEATABLE")
    await authorize(runs.context, agent, record.input, principal, RunOptions(trigger="manual"))
    known = await runs.context.store.read(statements.effects_of, run_id, record.epoch)
    copied = [each for each in known.values() if each.reply is not None and (step is None or each.seq <= step)]
    fresh = _fresh(runs, record, principal, step)
    event = RunEvent(
        run_id=fresh.id,
        seq=1,
        at=fresh.created_at,
        kind="queued",
        data={"agent": fresh.agent, "trigger": "manual", "forked_from": run_id, "replayed_effects": len(copied)},
    )
    language, text = kept
    new = NewRun(record=fresh, language=language, text=text, event=event, key=None)
    await runs.context.store.write(_insert, new, copied)
    runs.figures.started()
    runs.engine.add(fresh.entry())
    return fresh


def _fresh(runs: Runs, record: RunRecord, principal: Principal, step: int | None) -> RunRecord:
    now = runs.context.clock.now_ms()
    options = {**record.options, "origin": {"forked_from": record.id, "step": step}}
    options.update(
        {
            "trigger": "manual",
            "idempotency_key": None,
            "parent_run_id": None,
            "schedule_id": None,
            "scheduled_for": None,
        }
    )
    return RunRecord(
        id=runs.context.ids.uuid(),
        agent_id=record.agent_id,
        agent=record.agent,
        revision=record.revision,
        mode="ephemeral",
        status="queued",
        trigger="manual",
        priority=record.priority,
        rank=rank_of(record.priority, now_ms=now, ageing_seconds=runs.config.ageing_seconds),
        not_before=0,
        principal_id=principal.id,
        principal=principal,
        input=record.input,
        # The attempt that reads the journal is the second one.
        attempt=1,
        max_attempts=record.max_attempts + 1,
        options=options,
        memory_bytes=record.memory_bytes,
        cores=record.cores,
        created_at=now,
    )


def _insert(conn: Connection, new: NewRun, copied: list[StoredEffect]) -> None:
    statements.insert_runs(conn, [new])
    rows: list[dict[str, Any]] = [
        msgspec.structs.asdict(msgspec.structs.replace(each, run_id=new.record.id, epoch=new.record.epoch))
        for each in copied
    ]
    if rows:
        conn.execute(insert(EFFECTS), rows)
