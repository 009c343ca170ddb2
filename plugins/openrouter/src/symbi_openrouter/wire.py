"""OpenAI's chat completions: our request as its body, its chunks as our events."""

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

__all__ = ["Answer", "body_of"]

_FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "max_tokens",
    "content_filter": "content_filter",
}


def body_of(request: ChatRequest, *, model: str, cost: bool) -> dict[str, Any]:
    """Return the JSON body; `cost` asks OpenRouter for the price of the answer."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if cost:
        body["usage"] = {"include": True}
    for name in ("temperature", "top_p", "max_tokens"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ]
        body["tool_choice"] = _choice(request.tool_choice)
    if request.response_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": request.response_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _choice(choice: str) -> Any:
    return choice if choice in ("auto", "none", "required") else {"type": "function", "function": {"name": choice}}


def _message(message: ChatMessage) -> dict[str, Any]:
    # Content is never null: llama.cpp's server refuses that beside tool calls (RSN-28).
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        sent["tool_call_id"] = message.tool_call_id
    return sent


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """One chunk, as far as it is read."""

    id: str = ""
    model: str = ""
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


class Answer:
    """Turns chunks into events and knows at the end what came: feed it each chunk, then ask for the `end`."""

    def __init__(self, request: ChatRequest, *, model: str, provider: str) -> None:
        self._request = request
        self._model = model
        self._provider = provider
        self._id = ""
        self._usage: dict[str, Any] | None = None
        self._finish: FinishReason | None = None
        self._refused = False
        self._characters = 0
        self._calls = 0

    @property
    def finished(self) -> bool:
        """Tell that the model has said why it stopped."""
        return self._finish is not None

    def feed(self, chunk: Chunk) -> Iterator[ChatEvent]:
        """Yield what the chunk adds."""
        self._id = chunk.id or self._id
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        for choice in (chunk.choices or [])[:1]:
            if choice.delta is not None:
                yield from self._delta(choice.delta)
            if choice.finish_reason:
                self._finish = _FINISHES.get(choice.finish_reason, "other")

    def _delta(self, delta: _Delta) -> Iterator[ChatEvent]:
        self._refused = self._refused or bool(delta.refusal)
        for text in (delta.content, delta.refusal):
            if text:
                self._characters += len(text)
                yield TextDelta(text=text)
        for call in delta.tool_calls or ():
            function = call.function or _Function()
            # Servers that leave the index out send each call whole.
            index = call.index if call.index is not None else self._calls
            self._calls = max(self._calls, index + 1)
            self._characters += len(function.arguments or "")
            yield ToolCallDelta(
                index=index, id=call.id or "", name=function.name or "", arguments=function.arguments or ""
            )

    def end(self) -> ChatEnd:
        """Return the last event."""
        finish: FinishReason = "refusal" if self._refused else self._finish or "other"
        if self._calls and finish in ("stop", "other"):
            finish = "tool_calls"
        return ChatEnd(
            finish=finish, model=self._model, provider=self._provider, response_id=self._id, usage=self._used()
        )

    def _used(self) -> ModelUsage:
        usage = self._usage
        if usage is None:
            # About 3.3 characters a token; marked as an estimate.
            asked = sum(len(message.content) for message in self._request.messages)
            return ModelUsage(
                prompt_tokens=int(asked / 3.3) + 7, completion_tokens=int(self._characters / 3.3) + 1, estimated=True
            )
        cost = usage.get("cost")
        return ModelUsage(
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            cached_tokens=_count(_inner(usage, "prompt_tokens_details", "cached_tokens")),
            reasoning_tokens=_count(_inner(usage, "completion_tokens_details", "reasoning_tokens")),
            cost_usd=float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else None,
        )


def _inner(usage: dict[str, Any], outer: str, name: str) -> Any:
    inner = usage.get(outer)
    return inner.get(name) if isinstance(inner, dict) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
