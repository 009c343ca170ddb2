"""Conversations: a message starts a run whose answer is the agent's turn; what was said before is the run's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import Conflict, InvalidRequest, NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunService, RunView
from symbi_reasoning.chat import records
from symbi_reasoning.chat.records import Thread, Turn

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["PREFIX", "answer_of", "history_of", "say", "settle", "thread_of", "turns"]

PREFIX = "chat:"
MOST_CHARACTERS = 100_000


async def say(
    context: PluginContext, agent: str, message: str, *, thread_id: str | None, principal: Principal
) -> tuple[Thread, int, RunView]:
    """Say something to an agent, in a thread or a new one; return the thread, the turn's number and the run that answers.

    Raises `NotFound`, `InvalidRequest`, `Conflict` (`CHAT_BUSY`) while the last message waits for its answer, and what starting a run raises.
    """
    if not message.strip() or len(message) > MOST_CHARACTERS:
        raise InvalidRequest(f"a message has 1 to {MOST_CHARACTERS} characters", details={"field": "message"})
    found = await context.services.get(AgentService).resolve(agent)
    if found is None or found.archived:
        raise NotFound(f"no agent {agent!r}", code="AGENT_NOT_FOUND", hint="symbi agents list")
    thread = await _thread(context, found, message, thread_id, principal)
    await _settle_open(context, thread.id)
    number = await context.store.write(records.add_turn, thread, message)
    options = RunOptions(
        trigger="chat",
        session=f"{PREFIX}{thread.id}",
        surface="chat",
        origin={"chat": thread.id, "turn": number},
        idempotency_key=f"chat:{thread.id}:{number}",
    )
    try:
        run = await context.services.get(RunService).start(
            found.id, {"message": message}, principal=principal, options=options
        )
    except BaseException:
        await context.store.write(records.end_turn, thread.id, number, "refused", None)
        raise
    await context.store.write(records.name_run, thread.id, number, run.run_id)
    return thread, number, run


async def _thread(
    context: PluginContext, agent: AgentView, message: str, thread_id: str | None, principal: Principal
) -> Thread:
    now = context.clock.now_ms()
    if thread_id is not None:
        known = await thread_of(context, thread_id, principal)
        if known.agent_id != agent.id:
            raise Conflict(f"that conversation is with {known.agent!r}", code="CHAT_OTHER_AGENT")
        return msgspec.structs.replace(known, updated_at=now)
    return Thread(
        id=context.ids.uuid(),
        agent_id=agent.id,
        agent=agent.name,
        principal=principal.id,
        title=" ".join(message.split())[:80],
        created_at=now,
        updated_at=now,
    )


async def thread_of(context: PluginContext, thread_id: str, principal: Principal) -> Thread:
    """Return a thread of the principal's own; raises `NotFound` for any other."""
    found: Thread | None = await context.store.read(records.find_thread, thread_id)
    if found is None or found.principal != principal.id:
        raise NotFound("no such conversation", code="CHAT_NOT_FOUND")
    return found


async def turns(context: PluginContext, thread_id: str, limit: int) -> list[Turn]:
    """Return the newest turns of a thread, each with its answer as far as there is one."""
    await _settle_open(context, thread_id)
    found: list[Turn] = await context.store.read(records.turns_of, thread_id, limit)
    return found


async def history_of(context: PluginContext, run: EffectContext, limit: int) -> list[dict[str, Any]]:
    """Return the messages before a run of a conversation; nothing for a run that is not its principal's and agent's own."""
    if not run.session or not run.session.startswith(PREFIX):
        return []
    thread: Thread | None = await context.store.read(records.find_thread, run.session.removeprefix(PREFIX))
    if thread is None or (thread.principal, thread.agent_id) != (run.principal.id, run.agent_id):
        return []
    messages: list[dict[str, Any]] = []
    for turn in await context.store.read(records.turns_of, thread.id, limit + 1):
        if turn.status == "completed" and turn.run_id != run.run_id:
            messages.append({"role": "user", "content": turn.message})
            messages.append({"role": "assistant", "content": turn.answer or ""})
    return messages


async def settle(context: PluginContext, thread_id: str, number: int, run: RunView) -> None:
    """Note the answer of a run that has ended."""
    await context.store.write(records.end_turn, thread_id, number, run.status, answer_of(run))


async def _settle_open(context: PluginContext, thread_id: str) -> None:
    """Close turns whose run ended while nobody was listening."""
    for turn in await context.store.read(records.turns_of, thread_id, 1):
        if turn.status != "open":
            continue
        try:
            run = await context.services.get(RunService).get(turn.run_id)
        except NotFound:
            await context.store.write(records.end_turn, thread_id, turn.number, "lost", None)
            continue
        if run.ended:
            await settle(context, thread_id, turn.number, run)


def answer_of(run: RunView) -> str | None:
    """Return what the run answered, as text; None where it did not."""
    if run.status != "completed":
        return None
    if isinstance(run.result, str):
        return run.result
    return "" if run.result is None else msgspec.json.encode(run.result).decode()
