"""Models: one request, one stream of events, and errors that say whether asking again may help."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, Protocol

import msgspec

from symbi.contracts.errors import SymbiError
from symbi.contracts.offers import Offer

__all__ = [
    "ChatEnd",
    "ChatEvent",
    "ChatMessage",
    "ChatModel",
    "ChatRequest",
    "ChatResult",
    "ContextOverflow",
    "FinishReason",
    "ModelError",
    "ModelProvider",
    "ModelRefused",
    "ModelTool",
    "ModelUnavailable",
    "ModelUsage",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "collect",
]

FinishReason = Literal["stop", "tool_calls", "max_tokens", "content_filter", "refusal", "other"]


class ModelError(SymbiError):
    """A model could not be asked, or did not answer as it should; `partial` is the text that had come.

    `retryable` tells whether the same request may succeed later; `status` is the HTTP status, 0 where there was none; `retry_after` is in seconds.
    """

    code = "MODEL_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        retryable: bool = False,
        status: int = 0,
        retry_after: float | None = None,
        partial: str = "",
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after
        self.partial = partial


class ModelUnavailable(ModelError):
    """No key, no server, no such model: nothing can be asked until the operator acts; `hint` says how."""

    code = "MODEL_UNAVAILABLE"


class ContextOverflow(ModelError):
    """The conversation is longer than the model takes; compacting it and asking again may help."""

    code = "CONTEXT_OVERFLOW"


class ModelRefused(ModelError):
    """The model or its provider declined to answer."""

    code = "MODEL_REFUSED"


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a model proposes; `arguments` is the text as it came, perhaps no JSON at all."""

    id: str
    name: str
    arguments: str = "{}"


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message; a `tool` message answers the call `tool_call_id`, an `assistant` message may carry calls beside its text."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""


class ModelTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as it is offered to a model."""

    name: str
    description: str
    parameters: dict[str, Any]


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request; an empty `model` means the provider's default, None leaves the provider's own choice.

    `tool_choice` is `auto`, `none`, `required` or a tool's name; `response_schema` asks for JSON that fits the schema; `timeout_seconds` bounds the
    whole answer, retries included.
    """

    messages: tuple[ChatMessage, ...]
    model: str = ""
    tools: tuple[ModelTool, ...] = ()
    tool_choice: str = "auto"
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    response_schema: dict[str, Any] | None = None
    timeout_seconds: float = 120.0


class ModelUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and cost of one answer; `estimated` marks figures that the provider did not give."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Return prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """A piece of text, as it arrives."""

    text: str


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """A piece of a call: `index` tells calls of one answer apart; `id` and `name` come once, `arguments` in pieces."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class ChatEnd(msgspec.Struct, frozen=True, kw_only=True, tag="end"):
    """The last event: why it ended, which model really answered, what it used, after how many attempts."""

    finish: FinishReason
    model: str = ""
    provider: str = ""
    response_id: str = ""
    usage: ModelUsage = ModelUsage(estimated=True)
    attempts: int = 1


ChatEvent = TextDelta | ToolCallDelta | ChatEnd


class ChatResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    end: ChatEnd


class ChatModel(Protocol):
    """An opened provider."""

    @property
    def default_model(self) -> str:
        """Return the model that an empty `ChatRequest.model` means."""

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Ask, and yield the answer as it arrives; the last event is a `ChatEnd`.

        Retries what may be retried before the first piece has come, within the request's time. Raises `ModelError` and its kin; closing the iterator
        closes the connection.
        """


class ModelProvider(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `llm_providers`; opens to a `ChatModel`. Keys stay in the parent process."""


async def collect(events: AsyncIterator[ChatEvent]) -> ChatResult:
    """Return the whole answer of a stream."""
    text: list[str] = []
    calls: dict[int, list[str]] = {}
    end = ChatEnd(finish="other")
    async for event in events:
        if isinstance(event, TextDelta):
            text.append(event.text)
        elif isinstance(event, ToolCallDelta):
            parts = calls.setdefault(event.index, ["", "", ""])
            parts[0] = parts[0] or event.id
            parts[1] = parts[1] or event.name
            parts[2] += event.arguments
        else:
            end = event
    found = tuple(
        ToolCall(id=parts[0] or f"call_{index}", name=parts[1], arguments=parts[2] or "{}")
        for index, parts in sorted(calls.items())
    )
    return ChatResult(text="".join(text), tool_calls=found, end=end)
