"""Our request as the SDK's parameters, its events as ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from symbi.contracts.models import (
    ChatEnd,
    ChatEvent,
    ChatMessage,
    ChatRequest,
    FinishReason,
    ModelUsage,
    TextDelta,
    ToolCallDelta,
)

__all__ = ["Answer", "parameters_of"]

_FINISHES: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "max_tokens",
    "refusal": "refusal",
}
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}


def parameters_of(request: ChatRequest, *, model: str, max_tokens: int, cache: bool) -> dict[str, Any]:
    """Return the parameters of `messages.create(stream=True)`."""
    system = "\n\n".join(message.content for message in request.messages if message.role == "system")
    if request.response_schema is not None:
        schema = msgspec.json.encode(request.response_schema).decode()
        system = f"{system}\n\nAnswer with JSON alone, which fits this schema:\n{schema}".strip()
    sent: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens or max_tokens,
        "messages": _messages(request.messages),
    }
    if system:
        block: dict[str, Any] = {"type": "text", "text": system}
        if cache:
            block["cache_control"] = {"type": "ephemeral"}
        sent["system"] = [block]
    for name in ("temperature", "top_p"):
        if (value := getattr(request, name)) is not None:
            sent[name] = value
    if request.stop:
        sent["stop_sequences"] = list(request.stop)
    if request.tools:
        sent["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ]
        kind = _CHOICES.get(request.tool_choice)
        sent["tool_choice"] = {"type": kind} if kind else {"type": "tool", "name": request.tool_choice}
    return sent


def _messages(messages: tuple[ChatMessage, ...]) -> list[dict[str, Any]]:
    """Return the conversation; this API takes results of tools as the user's words, and neighbours of one role together."""
    found: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if not blocks:
            continue
        if found and found[-1]["role"] == role:
            found[-1]["content"] += blocks
        else:
            found.append({"role": role, "content": blocks})
    return found


def _blocks(message: ChatMessage) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content.strip() else []
    for call in message.tool_calls:
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": _object(call.arguments)})
    return blocks


def _object(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class Answer:
    """Turns the SDK's events into ours: feed it each, then ask for the `end`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = ""
        self._calls: dict[int, int] = {}
        self._usage: dict[str, int] = {}
        self._finish: FinishReason | None = None

    @property
    def finished(self) -> bool:
        """Tell that the model has said why it stopped."""
        return self._finish is not None

    def feed(self, event: Any) -> Iterator[ChatEvent]:
        """Yield what an event adds; kinds that are not known add nothing."""
        kind = event.type
        if kind == "message_start":
            self._id, self._model = str(event.message.id), str(event.message.model or self._model)
            self._count(event.message.usage)
        elif kind == "content_block_start" and event.content_block.type == "tool_use":
            index = self._calls[event.index] = len(self._calls)
            yield ToolCallDelta(index=index, id=event.content_block.id, name=event.content_block.name)
        elif kind == "content_block_delta":
            if event.delta.type == "text_delta":
                yield TextDelta(text=event.delta.text)
            elif event.delta.type == "input_json_delta" and event.index in self._calls:
                yield ToolCallDelta(index=self._calls[event.index], arguments=event.delta.partial_json)
        elif kind == "message_delta":
            self._finish = _FINISHES.get(str(event.delta.stop_reason), "other")
            self._count(event.usage)

    def _count(self, usage: Any) -> None:
        for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
            value = getattr(usage, name, None)
            if isinstance(value, int):
                self._usage[name] = value

    def end(self) -> ChatEnd:
        """Return the last event; tokens read from and written to the cache count as prompt."""
        cached = self._usage.get("cache_read_input_tokens", 0)
        prompt = self._usage.get("input_tokens", 0) + cached + self._usage.get("cache_creation_input_tokens", 0)
        usage = ModelUsage(
            prompt_tokens=prompt,
            completion_tokens=self._usage.get("output_tokens", 0),
            cached_tokens=cached,
            estimated=not self._usage,
        )
        return ChatEnd(
            finish=self._finish or "other", model=self._model, provider="anthropic", response_id=self._id, usage=usage
        )
