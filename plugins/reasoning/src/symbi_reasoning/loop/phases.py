"""The typed phases of a loop: Reasoning → Proposal → Actions → Reasoning …; each is made by the one before it and used once.

Nothing acts here: what a phase wants is asked of the runtime, whose gate decides and mints the receipt without which nothing is carried out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.effects import EffectDenied, EffectFailed
from symbi.contracts.models import ChatMessage, ToolCall
from symbi_reasoning.loop.acting import Acted, carry_out
from symbi_reasoning.loop.checking import Checked, check
from symbi_reasoning.loop.state import Ended, LoopState

__all__ = ["Actions", "PhaseUsedTwice", "Proposal", "Reasoning", "first_phase"]

_TOKEN = object()
_BUDGETS = frozenset({"max_tokens", "max_cost", "max_time"})
_FINAL = frozenset({"MODEL_REFUSED"})


class PhaseUsedTwice(RuntimeError):
    """A phase was made by hand, or went on twice."""


class _Phase:
    def __init__(self, state: LoopState, token: object) -> None:
        if token is not _TOKEN:
            raise PhaseUsedTwice("phases make each other")
        self._state: LoopState | None = state

    def _leave(self) -> LoopState:
        state, self._state = self._state, None
        if state is None:
            raise PhaseUsedTwice("a phase goes on once")
        return state


def first_phase(state: LoopState) -> Reasoning:
    """Return the phase that a loop begins with."""
    return Reasoning(state, _TOKEN)


class Reasoning(_Phase):
    """The model is to be asked."""

    def think(self) -> Proposal | Reasoning | Ended:
        """Ask it; return what it proposes, the next turn, or the end."""
        state = self._leave()
        if state.iteration >= state.limits.max_iterations:
            return Ended(reason="max_iterations", message=f"no answer within {state.limits.max_iterations} turns")
        if state.late:
            return Ended(reason="max_time", message=f"no answer within {state.limits.timeout_seconds:g} s")
        answer = _ask(state)
        if isinstance(answer, Ended):
            return answer
        state.iteration += 1
        state.count(answer["usage"])
        text, calls = str(answer["text"]), [msgspec.convert(call, ToolCall) for call in answer["tool_calls"]]
        state.last_text = text or state.last_text
        if answer["finish"] in ("refusal", "content_filter"):
            return Ended(reason="refused", message=f"the model refused: {text[:300]}".rstrip(": "))
        if calls:
            return Proposal(state, _TOKEN, text, calls)
        if not text.strip():
            return _empty(state)
        return _answered(state, text, answer)


class Proposal(_Phase):
    """The model has proposed calls; none has been looked at."""

    def __init__(self, state: LoopState, token: object, text: str, calls: list[ToolCall]) -> None:
        super().__init__(state, token)
        self._text = text
        self._calls = calls

    def check(self) -> Actions:
        """Refuse what no gate need see; the text beside the calls stays in the conversation (RSN-4, RSN-9)."""
        state = self._leave()
        checked = check(state, self._calls)
        calls = tuple(each.call for each in checked)
        state.messages.append(ChatMessage(role="assistant", content=self._text, tool_calls=calls))
        dropped = len(self._calls) - len(calls)
        return Actions(state, _TOKEN, checked, dropped)


class Actions(_Phase):
    """Calls that may be asked for, beside those that were refused."""

    def __init__(self, state: LoopState, token: object, checked: list[Checked], dropped: int) -> None:
        super().__init__(state, token)
        self._checked = checked
        self._dropped = dropped

    def act(self) -> Reasoning | Ended:
        """Ask for all of them at once; put one result for each call into the conversation, in order (RSN-3)."""
        state = self._leave()
        acted = carry_out(state, self._checked)
        if self._dropped:
            note = f"\n[{self._dropped} further calls of this answer were not looked at: propose fewer]"
            acted[-1] = msgspec.structs.replace(acted[-1], content=acted[-1].content + note)
        for each in acted:
            state.messages.append(
                ChatMessage(role="tool", content=each.content, tool_call_id=each.call.id, name=each.call.name)
            )
        return _judge(state, acted) or Reasoning(state, _TOKEN)


def _judge(state: LoopState, acted: list[Acted]) -> Ended | None:
    """Return the end that these results mean, if any."""
    for each in acted:
        if each.outcome == "stop":
            return Ended(reason="stuck", message=each.content[:500])
        state.denials = state.denials + 1 if each.outcome == "denied" else 0
        if state.denials >= state.limits.max_denials:
            text = f"{state.denials} actions in a row were denied; the last: {each.content[:300]}"
            return Ended(reason="policy_denied", message=text)
    if any(each.outcome == "over" for each in acted):
        return Ended(reason="max_tool_calls", message=f"more than {state.limits.max_tool_calls} tool calls")
    return None


def _ask(state: LoopState) -> dict[str, Any] | Ended:
    """Ask the models in their order; each is its own question to the gate (RSN-2, RSN-24)."""
    arguments: dict[str, Any] = {
        "messages": msgspec.json.encode(state.messages).decode(),
        "tools": list(state.tools),
        "delegates": [name for tool in state.brief.tools for name in tool.targets],
        "temperature": state.limits.temperature,
        "max_tokens": state.limits.max_output_tokens,
        "schema": state.brief.schema,
    }
    ended = Ended(reason="no_model", message="no model is configured")
    for number, name in enumerate(state.brief.models):
        try:
            answer: dict[str, Any] = state.effects.call("model", name, arguments, origin="model")
            return answer
        except EffectDenied as error:
            ended = Ended(reason="policy_denied", message=f"asking {name} was denied: {error.message}")
        except EffectFailed as error:
            ended = Ended(reason=error.error_code, message=error.message)
            if error.error_code in _BUDGETS | _FINAL:
                return ended
        if number + 1 < len(state.brief.models):
            state.tell("recovery_triggered", strategy="fallback_model", failed=name, error=ended.message[:200])
    return ended


def _empty(state: LoopState) -> Reasoning | Ended:
    """Say once that nothing came; then it is no progress."""
    if state.nudged:
        return Ended(reason="no_progress", message="the model answered nothing, twice")
    state.nudged = True
    state.messages.append(ChatMessage(role="user", content="[Your answer was empty. Call a tool, or answer in words.]"))
    return Reasoning(state, _TOKEN)


def _answered(state: LoopState, text: str, answer: dict[str, Any]) -> Reasoning | Ended:
    """Take the answer through the gate; one that must have a shape gets one chance to mend it (RSN-27)."""
    state.messages.append(ChatMessage(role="assistant", content=text))
    output: Any = text
    if state.brief.schema is not None:
        if answer.get("schema_error"):
            if state.repaired:
                return Ended(reason="output_invalid", message=str(answer["schema_error"]))
            state.repaired = True
            wrong = (
                f"[Your answer does not fit the schema: {answer['schema_error']}. Answer again, with the JSON alone.]"
            )
            state.messages.append(ChatMessage(role="user", content=wrong))
            return Reasoning(state, _TOKEN)
        output = answer.get("value")
    if state.nested:
        return Ended(reason="completed", output=output)
    try:
        said = state.effects.call("respond", "", {"value": output}, origin="model")
    except EffectDenied as error:
        return Ended(reason="policy_denied", message=f"the answer was denied: {error.message}")
    except EffectFailed as error:
        return Ended(reason=error.error_code, message=error.message)
    if isinstance(said, dict) and "responded" in said:
        output = said["responded"]
    return Ended(reason="completed", output=output)
