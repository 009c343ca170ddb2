"""The entry of agents without a body, imported in the agent host: `run(job, effects)`."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.effects import EffectFailed, Effects
from symbi.contracts.errors import SymbiError
from symbi.contracts.executors import ExecutionJob
from symbi_reasoning.loop.brief import Brief
from symbi_reasoning.loop.opening import open_conversation
from symbi_reasoning.loop.phases import Reasoning, first_phase
from symbi_reasoning.loop.state import Ended, LoopState

__all__ = ["LoopEnded", "reason", "run"]


class LoopEnded(SymbiError):
    """A loop that ended without an answer; the code says why (`max_iterations`, `stuck`, `policy_denied` …)."""

    code = "loop_ended"


def run(job: ExecutionJob, effects: Effects) -> Any:
    """Reason until the task is answered, and return the answer; raises `LoopEnded` where a limit, policy or a failure says stop."""
    ended, _ = _reasoned({**job.program, "tier": job.tier}, effects, nested=False)
    if not ended.good:
        raise LoopEnded(ended.message or ended.reason, code=ended.reason)
    return ended.output


def reason(program: dict[str, Any], effects: Effects) -> dict[str, Any]:
    """Reason for a program that called `reason(…)`; return `{response, iterations, total_tokens, termination_reason}` however it ends."""
    ended, state = _reasoned(program, effects, nested=True)
    return {
        "response": ended.output if ended.good else state.last_text,
        "iterations": state.iteration,
        "total_tokens": int(state.usage["total_tokens"]),
        "termination_reason": ended.reason,
    }


def _reasoned(program: dict[str, Any], effects: Effects, *, nested: bool) -> tuple[Ended, LoopState]:
    brief = msgspec.convert(effects.call("brief", "", program), Brief)
    state = LoopState(brief, effects, nested=nested)
    try:
        open_conversation(state, str(program["text"]))
        ended = _loop(state)
    except EffectFailed as error:
        ended = Ended(reason=error.error_code, message=error.message)
    except BaseException as error:
        # Stopped from outside, or broken: the runtime may answer nothing any more, so this is only told (RSN-5).
        effects.log(f"terminated reason={type(error).__name__} {msgspec.json.encode(state.account()).decode()}")
        raise
    said = {"message": ended.message[:500], "text": state.last_text[:2000]}
    state.tell("terminated", reason=ended.reason, **said, **state.account())
    return ended, state


def _loop(state: LoopState) -> Ended:
    phase = first_phase(state)
    while True:
        proposed = phase.think()
        if isinstance(proposed, Ended):
            return proposed
        if isinstance(proposed, Reasoning):
            phase = proposed
            continue
        following = proposed.check().act()
        if isinstance(following, Ended):
            return following
        phase = following
