"""Runs that begin by themselves: those whose runtime died, and those that an event asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.errors import SymbiError
from symbi.contracts.runs import RunOptions
from symbi_runs import statements
from symbi_runs.mailbox import MailItem
from symbi_runs.records import RunRecord
from symbi_runs.starting import find_agent

if TYPE_CHECKING:
    from symbi_runs.service import Runs

__all__ = ["start_for_event", "take_up_lost"]


async def start_for_event(runs: Runs, item: MailItem) -> str | None:
    """Start the run that handles an event, once for each try; return its id, or None where none can be started."""
    options = RunOptions(
        trigger="event",
        idempotency_key=f"event:{item.position}:{item.tries}",
        origin={"mailbox": item.position, "event_id": item.id},
    )
    event = {"id": item.id, "type": item.event_type, "payload": item.payload, "at": item.created_at}
    try:
        _, spec = await find_agent(runs.context, item.agent_id, options)
        names = {parameter.name for parameter in spec.parameters}
        given = {"event": event} if not names or "event" in names else item.payload
        run = await runs.start_run(item.agent_id, given, item.principal, options, gated=True)
    except SymbiError as error:
        runs.context.logger.warning("event %s of agent %s starts no run: %s", item.id, item.agent_id, error)
        return None
    return run.run_id


async def take_up_lost(runs: Runs, record: RunRecord) -> None:
    """Take up a run whose runtime has died: queued again, or given up after too many losses, or ended where that was asked for."""
    now = runs.context.clock.now_ms()
    values, kind, data = _fate(runs.config.max_losses, record, now)
    if not await runs.context.store.write(statements.take_up, record, values=values, kind=kind, data=data, now=now):
        return
    if kind == "retry":
        runs.enqueue(record)
    else:
        await runs.tell_end(msgspec.structs.replace(record, **values))


def _fate(most: int, record: RunRecord, now: int) -> tuple[dict[str, Any], str, dict[str, Any]]:
    losses = record.losses + 1
    ended = {"completed_at": now, "losses": losses}
    if record.cancel is not None:
        return {"status": "terminated", "error": record.cancel, **ended}, "terminated", {"error": record.cancel}
    if losses > most:
        error = {"code": "lost", "message": f"the runtime died {losses} times under this run"}
        return {"status": "lost", "error": error, **ended}, "lost", {"error": error}
    error = {"code": "lost", "message": "the runtime died under this run"}
    values = {"status": "queued", "losses": losses, "wait": None, "not_before": 0}
    return values, "retry", {"error": error, "in_seconds": 0}
