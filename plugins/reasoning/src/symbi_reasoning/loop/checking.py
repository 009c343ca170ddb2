"""What is refused before any gate sees it: tools that were not offered, arguments that are no object, too large or too deep (RSN-9)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from symbi.contracts.models import ToolCall
from symbi_reasoning.loop.brief import OfferedTool
from symbi_reasoning.loop.state import LoopState

__all__ = ["Checked", "check", "depth_of"]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its parsed arguments, or the words of its refusal; `warning` is added to its result."""

    call: ToolCall
    tool: OfferedTool | None = None
    arguments: dict[str, Any] = {}
    refusal: str = ""
    outcome: Literal["", "denied", "blocked", "stop", "over"] = ""
    warning: str = ""


def check(state: LoopState, calls: list[ToolCall]) -> list[Checked]:
    """Return the calls of one answer that are looked at, each checked, each under an id that no other call of the run has.

    An id that comes twice in one answer is refused. One that an earlier turn had is only replaced: some servers count from 0 at every turn.
    """
    seen: set[str] = set()
    checked = []
    for call in calls[: state.limits.max_calls_per_turn]:
        twice = call.id in seen
        seen.add(call.id)
        fresh = _renamed(state, call)
        if twice:
            checked.append(_refused(fresh, f"the call id {call.id[:100]!r} was used before"))
        else:
            checked.append(_one(state, fresh))
    return checked


def _renamed(state: LoopState, call: ToolCall) -> ToolCall:
    if not call.id or call.id in state.call_ids:
        call = msgspec.structs.replace(call, id=f"{call.id[:180] or 'call'}-{len(state.call_ids)}")
    state.call_ids.add(call.id)
    return call


def _one(state: LoopState, call: ToolCall) -> Checked:
    tool = state.tools.get(call.name)
    if tool is None:
        why = state.brief.hidden.get(call.name, "no such tool")
        return _refused(
            msgspec.structs.replace(call, name=call.name[:200] or "?"), f"{call.name[:100]!r} is not offered ({why})"
        )
    arguments = _arguments(state, call)
    if isinstance(arguments, str):
        return _refused(msgspec.structs.replace(call, arguments="{}"), arguments)
    state.tool_calls += 1
    if state.tool_calls > state.limits.max_tool_calls:
        return _refused(call, f"more than {state.limits.max_tool_calls} tool calls", outcome="over")
    if state.watch is None:
        return Checked(call=call, tool=tool, arguments=arguments)
    verdict = state.watch.before(call.name, arguments)
    if verdict.action in ("block", "stop"):
        state.tell("step_limit_reached", tool=call.name, action=verdict.action, reason=verdict.reason[:1000])
        return _refused(call, verdict.reason, outcome="blocked" if verdict.action == "block" else "stop")
    if verdict.action == "warn":
        state.tell("step_limit_reached", tool=call.name, action="warn", reason=verdict.reason[:1000])
    return Checked(
        call=call, tool=tool, arguments=arguments, warning=verdict.reason if verdict.action == "warn" else ""
    )


def _refused(call: ToolCall, why: str, *, outcome: Any = "denied") -> Checked:
    label = {"denied": "Denied", "blocked": "Blocked", "stop": "Stopped", "over": "Not run"}[outcome]
    return Checked(call=call, refusal=f"[{label}] {why}", outcome=outcome)


def _arguments(state: LoopState, call: ToolCall) -> dict[str, Any] | str:
    """Return the parsed arguments, or what is wrong with them."""
    text = call.arguments.strip() or "{}"
    size = len(text.encode("utf-8", "replace"))
    if size > state.limits.max_argument_bytes:
        return f"the arguments have {size} bytes, more than {state.limits.max_argument_bytes}"
    if depth_of(text) > state.limits.max_argument_depth:
        return f"the arguments are nested deeper than {state.limits.max_argument_depth}"
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        return f"the arguments are no JSON: {error}"
    return value if isinstance(value, dict) else "the arguments must be a JSON object"


def depth_of(text: str) -> int:
    """Return how deep brackets are nested in a JSON text, strings aside; read without recursion."""
    depth = most = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            most = max(most, depth)
        elif character in "]}":
            depth -= 1
    return most
