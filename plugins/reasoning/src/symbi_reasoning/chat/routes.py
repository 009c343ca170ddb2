"""The routes below `/api/v1/chat`: one conversation a thread, streamed as it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from symbi.contracts.agents import AgentService
from symbi.contracts.errors import NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.runs import END_STATES, RunEvent, RunService, RunView
from symbi.http.access import require_agent
from symbi.http.paging import read_limit
from symbi.http.sse import ServerEvent, event_stream
from symbi.kernel.context import PluginContext
from symbi_reasoning.chat import records
from symbi_reasoning.chat.threads import answer_of, say, thread_of, turns

__all__ = ["HANDLERS", "frames"]

_SHOWN = frozenset({"chunk", "gate", "effect", "waiting", "resumed", "log", "retry"})
_INTERNAL = frozenset({"brief", "model", "respond", "log"})


class Say(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /chat/{agent}`; without a thread a new one begins."""

    message: str
    thread: str | None = None


@post("/chat/{agent:str}", status_code=200, opt={"idempotent": True})
async def say_to_agent(
    agent: str, data: Say, request: Request[Any, Any, Any], context: PluginContext, principal: Principal
) -> Response[Any]:
    """Say something; streams the answer to a client that accepts `text/event-stream`, else answers at once with the run to follow."""
    found = await context.services.get(AgentService).resolve(agent)
    if found is None:
        raise NotFound(f"no agent {agent!r}", code="AGENT_NOT_FOUND")
    require_agent(principal, found.id)
    thread, number, run = await say(context, found.id, data.message, thread_id=data.thread, principal=principal)
    head = {"thread": thread.id, "turn": number, "run_id": run.run_id, "agent": thread.agent}
    if "text/event-stream" not in request.headers.get("accept", ""):
        return Response(head)
    return event_stream(request, _stream(context.services.get(RunService), head, run))


async def _stream(runs: RunService, head: dict[str, Any], run: RunView) -> AsyncIterator[ServerEvent]:
    yield ServerEvent(event="open", data=head)
    async for event in runs.events(run.run_id):
        for name, data in frames(event):
            yield ServerEvent(id=event.seq, event=name, data=data)
    ended = await runs.get(run.run_id)
    usage = {"tokens": ended.usage.tokens, "cost_usd": ended.usage.cost_usd}
    done = {**head, "status": ended.status, "answer": answer_of(ended), "error": ended.error, "usage": usage}
    yield ServerEvent(event="done", data=done)


def frames(event: RunEvent) -> list[tuple[str, dict[str, Any]]]:
    """Return what a conversation shows of an entry of the run's journal: text, decisions, results, waits."""
    data = event.data
    if event.kind not in _SHOWN or event.kind in END_STATES:
        return []
    if event.kind == "gate":
        if data.get("kind") in _INTERNAL and data.get("decision") == "allow":
            return []
        names = ("kind", "action", "target", "decision", "reason", "arguments")
        return [("decision", {name: data.get(name) for name in names})]
    if event.kind == "effect":
        if data.get("kind") in _INTERNAL:
            return []
        names = ("kind", "name", "status", "value", "message", "ms")
        return [("result", {name: data.get(name) for name in names})]
    if event.kind == "log":
        return [("note", data)]
    return [(event.kind, data)]


@get("/chat/threads")
async def list_threads(request: Request[Any, Any, Any], context: PluginContext, principal: Principal) -> dict[str, Any]:
    """List the caller's own conversations, the newest first."""
    return {"threads": await context.store.read(records.list_threads, principal.id, read_limit(request))}


@get("/chat/threads/{thread:str}")
async def show_thread(
    thread: str, request: Request[Any, Any, Any], context: PluginContext, principal: Principal
) -> dict[str, Any]:
    """Show one conversation with its newest turns."""
    found = await thread_of(context, thread, principal)
    return {"thread": found, "turns": await turns(context, found.id, read_limit(request))}


HANDLERS = [say_to_agent, list_threads, show_thread]
