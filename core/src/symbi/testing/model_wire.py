"""How the scripted model provider writes its answers: OpenAI's and Anthropic's streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbi.testing.models import Reply

__all__ = ["anthropic_events", "openai_events"]


def openai_events(body: dict[str, Any], reply: Reply) -> Iterator[bytes]:
    """Yield the events of `chat/completions` with `stream: true`."""
    model = reply.model or body.get("model", "")

    def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        return _data({"id": "gen-1", "object": "chat.completion.chunk", "model": model, "choices": choices, **more})

    if reply.comments:
        yield b": PROCESSING\n\n"
    yield chunk({"role": "assistant", "content": ""})
    for part in _parts(reply.text, reply.pieces):
        yield chunk({"content": part})
        if reply.comments:
            yield b": keep-alive\n\n"
    if reply.refusal:
        yield chunk({"refusal": reply.refusal})
    for index, (name, arguments) in enumerate(reply.calls):
        call = {
            "index": index,
            "id": _call_id(reply, index),
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        yield chunk({"tool_calls": [call]})
        for part in _parts(_text(arguments), reply.pieces):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    if reply.error is not None:
        yield _data({"id": "gen-1", "error": dict(reply.error), "choices": []})
        return
    if reply.cut:
        return
    yield chunk({}, reply.finish or ("tool_calls" if reply.calls else "stop"))
    if reply.usage is not None:
        total = reply.usage.get("prompt_tokens", 0) + reply.usage.get("completion_tokens", 0)
        yield chunk(None, usage={**reply.usage, "total_tokens": total})
    yield b"data: [DONE]\n\n"


def anthropic_events(body: dict[str, Any], reply: Reply) -> Iterator[bytes]:
    """Yield the events of `messages` with `stream: true`."""
    usage = dict(reply.usage or {})
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": reply.model or body.get("model", ""), "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": usage.get("prompt_tokens", 0), "output_tokens": 1},
    }  # fmt: skip
    yield _event("message_start", {"message": message})
    if reply.comments:
        yield b": keep-alive\n\n"
        yield _event("ping", {})
    index = 0
    if reply.text:
        yield _event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
        for part in _parts(reply.text, reply.pieces):
            yield _event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": part}})
        yield _event("content_block_stop", {"index": 0})
        index = 1
    for number, (name, arguments) in enumerate(reply.calls):
        block = {"type": "tool_use", "id": _call_id(reply, number), "name": name, "input": {}}
        yield _event("content_block_start", {"index": index, "content_block": block})
        for part in _parts(_text(arguments), reply.pieces):
            yield _event(
                "content_block_delta", {"index": index, "delta": {"type": "input_json_delta", "partial_json": part}}
            )
        yield _event("content_block_stop", {"index": index})
        index += 1
    if reply.error is not None:
        yield _event("error", {"error": {"type": "overloaded_error", **reply.error}})
        return
    if reply.cut:
        return
    stop = reply.finish or ("refusal" if reply.refusal else "tool_use" if reply.calls else "end_turn")
    ended = {
        "delta": {"stop_reason": stop, "stop_sequence": None},
        "usage": {"output_tokens": usage.get("completion_tokens", 0)},
    }
    yield _event("message_delta", ended)
    yield _event("message_stop", {})


def _data(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _event(kind: str, value: dict[str, Any]) -> bytes:
    return f"event: {kind}\n".encode() + _data({"type": kind, **value})


def _call_id(reply: Reply, index: int) -> str:
    return reply.call_ids[index] if index < len(reply.call_ids) else f"call_{index}"


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _parts(text: str, pieces: int) -> list[str]:
    if not text:
        return []
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[start : start + size] for start in range(0, len(text), size)]
