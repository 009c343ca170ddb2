"""The effect `model`: asks a model in the parent, which alone holds the key, within the run's budget, and streams what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.context import ContextService, Turn
from symbi.contracts.effects import EffectCall, EffectContext
from symbi.contracts.errors import InvalidRequest, SymbiError
from symbi.contracts.models import (
    ChatEvent,
    ChatMessage,
    ChatRequest,
    ChatResult,
    ContextOverflow,
    ModelError,
    ModelTool,
    ModelUsage,
    TextDelta,
    collect,
)
from symbi.contracts.reasoning import ModelChoice, Models, ReasoningHost
from symbi.contracts.telemetry import ModelCalled
from symbi.contracts.tools import ToolService
from symbi_reasoning.accounts import Account
from symbi_reasoning.chunks import ChunkWriter
from symbi_reasoning.hosting import Reasoning
from symbi_reasoning.loop.fence import fenced
from symbi_reasoning.offers import virtual_tool
from symbi_reasoning.structured import fitted
from symbi_reasoning.window import estimate, fit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from symbi.kernel.context import PluginContext

__all__ = ["Question", "ask", "model"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked; `tools` are names, `delegates` the agents that `delegate` may name."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ()
    tool_choice: str = "auto"
    temperature: float | None = None
    max_tokens: int | None = None
    schema: dict[str, Any] | None = None


async def model(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any]:
    """Ask the model that the call names and return its answer with what it used."""
    try:
        # The conversation comes as one text: it is hashed, masked, copied and recorded at every question, which costs a text far less than a tree.
        conversation = msgspec.json.decode(str(call.arguments.get("messages", "")))
        question = msgspec.convert({**call.arguments, "messages": conversation}, Question)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidRequest(f"not a question to a model: {error}", code="invalid_arguments") from None
    provider, _, name = call.name.partition(":")
    return await ask(context, run, call.seq, ModelChoice(provider=provider, model=name), question)


async def ask(
    context: PluginContext,
    run: EffectContext,
    effect: int,
    choice: ModelChoice,
    question: Question,
    *,
    told: bool = False,
) -> dict[str, Any]:
    """Ask one model within the run's budget; a conversation that is too long is shortened, after the model says so once more.

    `told` has the run count what is used at once, for effects whose value does not tell it.
    """
    host = context.services.get(ReasoningHost)
    if not isinstance(host, Reasoning):
        raise SymbiError("another plugin hosts reasoning here")
    account = await host.accounts.of(run)
    tools = await _tools(context, question)
    limit = host.config.context_tokens
    messages = await _shortened(context, question.messages, limit)
    host.figures.model_calls += 1
    try:
        try:
            result = await _once(context, host, run, effect, choice, question, account, tools, messages)
        except ContextOverflow:
            messages = await _shortened(context, messages, estimate(messages) // 2)
            result = await _once(context, host, run, effect, choice, question, account, tools, messages)
    except ModelError:
        host.figures.model_failures += 1
        raise
    _count(context, host, run, effect, result, told=told)
    return _answer(result, question)


async def _once(
    context: PluginContext,
    host: Reasoning,
    run: EffectContext,
    effect: int,
    choice: ModelChoice,
    question: Question,
    account: Account,
    tools: tuple[ModelTool, ...],
    messages: tuple[ChatMessage, ...],
) -> ChatResult:
    config = host.config
    clock = context.clock
    about = estimate(messages) + sum(len(msgspec.json.encode(tool)) for tool in tools) // 4
    wanted = min(question.max_tokens or config.max_output_tokens, config.max_output_tokens)
    granted = account.reserve(about, wanted, now=clock.monotonic())
    seconds = min(config.call_seconds, account.deadline - clock.monotonic(), _left(run, clock.now_ms()))
    request = ChatRequest(
        messages=messages,
        model=choice.model,
        tools=tools,
        tool_choice=question.tool_choice,
        temperature=question.temperature if question.temperature is not None else config.temperature,
        max_tokens=granted,
        response_schema=question.schema if not tools else None,
        timeout_seconds=max(0.001, seconds),
    )
    usage = None
    began, error = clock.monotonic(), "cancelled"
    try:
        opened = await context.services.get(Models).open(choice.provider)
        result = await collect(_told(opened.stream(request), ChunkWriter(context, run.run_id, effect)))
        usage, error = result.end.usage, ""
    except SymbiError as failure:
        error = failure.error_code
        raise
    finally:
        account.settle(about + granted, usage)
        _publish(context, choice, clock.monotonic() - began, usage, error)
    return result


def _publish(context: PluginContext, choice: ModelChoice, seconds: float, usage: ModelUsage | None, error: str) -> None:
    context.events.publish(
        ModelCalled(
            provider=choice.provider,
            model=choice.model,
            seconds=seconds,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
            error=error,
        )
    )


def _left(run: EffectContext, now_ms: int) -> float:
    return float("inf") if run.deadline_ms is None else (run.deadline_ms - now_ms) / 1000


async def _told(events: AsyncIterator[ChatEvent], writer: ChunkWriter) -> AsyncIterator[ChatEvent]:
    stream: Any = events
    try:
        async for event in stream:
            if isinstance(event, TextDelta):
                writer.add(event.text)
            yield event
    finally:
        # Closing the stream closes the connection, also when the run is cancelled in the middle of an answer.
        await stream.aclose()
        writer.flush()


def _count(
    context: PluginContext, host: Reasoning, run: EffectContext, effect: int, result: ChatResult, *, told: bool
) -> None:
    from symbi.contracts.runs import RunService

    usage = result.end.usage
    host.figures.prompt_tokens += usage.prompt_tokens
    host.figures.completion_tokens += usage.completion_tokens
    host.figures.cost_usd += usage.cost_usd or 0.0
    host.figures.retries += result.end.attempts - 1
    runs: Any = context.services.maybe(RunService)
    if runs is not None:
        data = {"effect": effect, "model": result.end.model, "tokens": usage.total_tokens, "cost_usd": usage.cost_usd}
        if told:
            data["count"] = True
        runs.tell(run.run_id, "usage", data)


async def _tools(context: PluginContext, question: Question) -> tuple[ModelTool, ...]:
    service = context.services.maybe(ToolService)
    known = {spec.name: spec for spec in await service.list()} if service is not None and question.tools else {}
    found = []
    for name in question.tools:
        if name in known:
            spec = known[name]
            found.append(ModelTool(name=name, description=spec.description, parameters=spec.parameters))
        elif (own := virtual_tool(name, list(question.delegates))) is not None:
            found.append(own)
    return tuple(found)


async def _shortened(context: PluginContext, messages: tuple[ChatMessage, ...], limit: int) -> tuple[ChatMessage, ...]:
    """Return what fits: by the memory service where it is installed, else the newest groups."""
    if estimate(messages) <= limit:
        return messages
    memory = context.services.maybe(ContextService)
    if memory is None:
        return fit(messages, limit)
    group, turns = 0, []
    for message in messages:
        group += message.role != "tool"
        protected = message.role == "system"
        turns.append(
            Turn(role=message.role, content=message.content, group=str(group), protected=protected, payload=message)
        )
    try:
        compaction = await memory.compact(turns, limit_tokens=limit)
    except SymbiError as error:
        context.logger.warning("the conversation is cut, since it cannot be compacted: %s", error)
        return fit(messages, limit)
    kept = [_back(turn) for turn in compaction.turns]
    return fit(kept, limit)


def _back(turn: Turn) -> ChatMessage:
    """Return a turn as a message: one of ours with what is left of its text, or a summary, which is data like any other."""
    if isinstance(turn.payload, ChatMessage):
        return msgspec.structs.replace(turn.payload, content=turn.content)
    if turn.role == "assistant":
        return ChatMessage(role="assistant", content=turn.content)
    return ChatMessage(role="user", content=fenced(turn.content, source="summary"))


def _answer(result: ChatResult, question: Question) -> dict[str, Any]:
    end = result.end
    answer: dict[str, Any] = {
        "text": result.text,
        "tool_calls": [msgspec.to_builtins(call) for call in result.tool_calls],
        "finish": end.finish,
        "model": end.model,
        "attempts": end.attempts,
        "usage": {**msgspec.to_builtins(end.usage), "total_tokens": end.usage.total_tokens},
    }
    if question.schema is not None and not result.tool_calls:
        answer["value"], answer["schema_error"] = fitted(result.text, question.schema)
    return answer
