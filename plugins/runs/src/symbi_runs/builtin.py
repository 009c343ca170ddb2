"""The effects that runs carry out themselves: pausing, answering, telling the time, waiting for an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbi.contracts.effects import EffectCall, EffectContext, EffectFailed, EffectHandler
from symbi.contracts.runs import RunService

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["HANDLERS", "fresh_id", "log", "now", "respond", "sleep", "wait_event"]

LONGEST_SLEEP = 366 * 86_400.0
LOG_CHARACTERS = 4096


async def sleep(call: EffectCall, run: EffectContext, context: PluginContext) -> None:
    """Pause; a resumed run pauses for the whole time again."""
    seconds = call.arguments.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_SLEEP:
        raise EffectFailed(f"sleep takes 0 to {LONGEST_SLEEP:g} seconds, not {seconds!r}", code="invalid_arguments")
    await context.clock.sleep(float(seconds))


async def respond(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Say something to whoever follows the run; it is in the run's journal, and its channel takes it from there."""
    value = call.arguments.get("value", call.arguments.get("message"))
    return {"responded": value}


async def log(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any]:
    """Write one line to the run's journal."""
    from symbi.contracts.masking import mask

    answer: dict[str, Any] = {
        "level": call.name or "info",
        "message": mask(str(call.arguments.get("message", "")))[:LOG_CHARACTERS],
    }
    if call.arguments.get("values"):
        from symbi_runs.shown import shown

        answer["values"] = shown(call.arguments["values"])
    return answer


async def now(call: EffectCall, run: EffectContext, context: PluginContext) -> int:
    """Return the time in milliseconds since 1970, UTC; a resumed run sees the time it saw before."""
    return context.clock.now_ms()


async def fresh_id(call: EffectCall, run: EffectContext, context: PluginContext) -> str:
    """Return a fresh id."""
    return context.ids.uuid()


async def wait_event(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any] | None:
    """Wait for the next event in the agent's mailbox, of the type that is named; None when `seconds` pass without one."""
    from symbi_runs.service import Runs

    runs = context.services.get(RunService)
    if not isinstance(runs, Runs):
        raise EffectFailed("the runs service in use has no mailboxes", code="no_mailbox")
    seconds = call.arguments.get("seconds")
    return await runs.mailbox.wait(
        run, call.seq, event_type=call.name, seconds=seconds if isinstance(seconds, int | float) else None
    )


def _own(kind: str, function: str, summary: str, *, gated: bool = False, idempotent: bool = True) -> EffectHandler:
    return EffectHandler(
        kind=kind, handle=f"symbi_runs.{function}", summary=summary, gated=gated, idempotent=idempotent
    )


HANDLERS = (
    _own("sleep", "builtin:sleep", "Pauses the run."),
    _own("respond", "builtin:respond", "Says something to whoever follows the run.", gated=True),
    _own("log", "builtin:log", "Writes a line to the run's journal."),
    _own("now", "builtin:now", "Tells the time."),
    _own("id", "builtin:fresh_id", "Makes a fresh id."),
    _own("wait_event", "builtin:wait_event", "Waits for an event in the agent's mailbox."),
    _own("delegate", "delegation:delegate", "Has another agent do something and waits for its result.", gated=True),
    _own("ask", "delegation:delegate", "Asks another agent and waits for its answer.", gated=True),
    _own("spawn", "delegation:spawn", "Starts another agent and goes on.", gated=True),
    _own("parallel", "delegation:parallel", "Has several agents work at once and waits for all.", gated=True),
    _own("race", "delegation:race", "Has several agents work at once and takes the first to end.", gated=True),
)
