"""Asks the runtime for the calls of one turn, mends what may be mended, and turns what came into words for the model."""

from __future__ import annotations

from random import Random
from typing import Any, Literal

import msgspec

from symbi.contracts.effects import EffectDenied, EffectFailed, EffectReply
from symbi.contracts.models import ToolCall
from symbi_reasoning.loop.checking import Checked
from symbi_reasoning.loop.fence import cut, fenced
from symbi_reasoning.loop.state import LoopState

__all__ = ["Acted", "carry_out"]

MOST_WAIT_SECONDS = 30.0


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a call, as the model sees it."""

    call: ToolCall
    content: str
    outcome: Literal["ok", "failed", "denied", "blocked", "stop", "over"]


def carry_out(state: LoopState, checked: list[Checked]) -> list[Acted]:
    """Ask for every call that was not refused, at most `max_concurrent_tools` at a time; return one result for each, in order."""
    asked = [each for each in checked if not each.refusal]
    # A turn that ends the run carries nothing out any more; its calls have their one result all the same.
    if any(each.outcome in ("stop", "over") for each in checked):
        return [_refusal(each) if each.refusal else _not_run(each) for each in checked]
    replies = state.effects.call_many(
        [_effect(each) for each in asked],
        origin="model",
        call_ids=[each.call.id for each in asked],
        at_most=state.limits.max_concurrent_tools,
    )
    found = {each.call.id: _settled(state, each, reply) for each, reply in zip(asked, replies, strict=True)}
    return [_refusal(each) if each.refusal else found[each.call.id] for each in checked]


def _refusal(each: Checked) -> Acted:
    outcome: Any = each.outcome
    return Acted(call=each.call, content=each.refusal, outcome=outcome)


def _not_run(each: Checked) -> Acted:
    return Acted(call=each.call, content="[Not run] the run ends here", outcome="blocked")


def _effect(each: Checked) -> tuple[str, str, dict[str, Any]]:
    tool, arguments = each.tool, each.arguments
    assert tool is not None
    if tool.kind == "delegate":
        return (
            "delegate",
            str(arguments.get("agent", "")),
            {"message": arguments.get("task", arguments.get("message", ""))},
        )
    if tool.kind == "recall":
        return "recall", "", {"query": str(arguments.get("query", "")), "limit": arguments.get("limit", 5)}
    if tool.kind == "remember":
        fact = {name: arguments.get(name) for name in ("subject", "predicate", "object")}
        text = " ".join(str(value) for value in fact.values() if value is not None)
        return "remember", "", {"record": {**fact, "text": text, "confidence": arguments.get("confidence", 0.8)}}
    return "tool", tool.name, arguments


def _settled(state: LoopState, each: Checked, reply: EffectReply) -> Acted:
    if reply.status == "failed":
        reply = _mended(state, each, reply)
    acted = _acted(state, each, reply)
    if state.watch is not None:
        seen = state.results[_key(each)] if acted.outcome == "ok" else acted.content
        state.watch.after(each.call.name, each.arguments, seen, failed=acted.outcome != "ok")
    if each.warning:
        acted = msgspec.structs.replace(acted, content=f"{acted.content}\n[Warning] {each.warning}")
    return acted


def _acted(state: LoopState, each: Checked, reply: EffectReply) -> Acted:
    if reply.status == "denied":
        return Acted(call=each.call, content=f"[Policy denied] {reply.message}", outcome="denied")
    if reply.status == "failed":
        refused = reply.code in ("TOOL_ARGUMENTS_INVALID", "TOOL_NOT_FOUND", "NOT_FOUND")
        label = "[Schema validation failed]" if reply.code == "TOOL_ARGUMENTS_INVALID" else "[Error]"
        return Acted(
            call=each.call, content=f"{label} {cut(reply.message, 2000)}", outcome="denied" if refused else "failed"
        )
    text = reply.value if isinstance(reply.value, str) else msgspec.json.encode(reply.value).decode()
    text = cut(text, state.limits.result_characters)
    state.results[_key(each)] = text
    tool = each.tool
    if tool is None or not tool.trusted:
        text = fenced(text, source=each.call.name)
    return Acted(call=each.call, content=text, outcome="ok")


def _key(each: Checked) -> str:
    return msgspec.json.encode([each.call.name, each.arguments], order="sorted").decode()


def _mended(state: LoopState, each: Checked, reply: EffectReply) -> EffectReply:
    """Try what the configuration says: again, another tool, an earlier result. Whatever is tried passes the gate anew (RSN-2, RSN-8)."""
    tool, limits = each.tool, state.limits
    assert tool is not None
    if reply.retryable and tool.idempotent and limits.recovery == "retry":
        for attempt in range(limits.recovery_attempts):
            _tell(state, each, "retry", reply)
            # The same wait in a resumed loop, or its journal would not fit.
            most = min(MOST_WAIT_SECONDS, limits.recovery_seconds * 2**attempt)
            seconds = Random(f"{each.call.id}:{attempt}").uniform(0, most)  # noqa: S311  # jitter, no secret
            state.effects.call("sleep", "", {"seconds": round(seconds, 3)})
            reply = _again(state, each, each.call.name)
            if reply.status != "failed" or not reply.retryable:
                break
    for name in limits.fallback_tools.get(each.call.name, ()) if reply.status == "failed" else ():
        if name in state.tools:
            _tell(state, each, f"fallback:{name}", reply)
            reply = _again(state, each, name)
            if reply.status == "ok":
                break
    if reply.status == "failed" and limits.stale_results and (known := state.results.get(_key(each))) is not None:
        _tell(state, each, "cached_result", reply)
        return msgspec.structs.replace(
            reply, status="ok", value=f"[An earlier result, since the call fails now] {known}"
        )
    return reply


def _tell(state: LoopState, each: Checked, strategy: str, reply: EffectReply) -> None:
    state.tell("recovery_triggered", tool=each.call.name, strategy=strategy, error=reply.message[:200])


def _again(state: LoopState, each: Checked, name: str) -> EffectReply:
    kind, _, arguments = _effect(each)
    try:
        value = state.effects.call(kind, name, arguments, origin="model", call_id=each.call.id)
    except EffectDenied as error:
        return EffectReply(seq=0, status="denied", code=error.error_code, message=error.message)
    except EffectFailed as error:
        return EffectReply(
            seq=0, status="failed", code=error.error_code, message=error.message, retryable=error.retryable
        )
    return EffectReply(seq=0, status="ok", value=value)
