"""`/ws/chat`: one conversation over a WebSocket, in the frames that upstream's console speaks (`runtime-api.md` §5)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import WebSocket, post, websocket
from litestar.exceptions import WebSocketDisconnect

from symbi.contracts.agents import AgentService
from symbi.contracts.errors import NotFound, SymbiError
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.contracts.reasoning import ReasoningHost
from symbi.contracts.runs import RunEvent, RunService
from symbi.http.access import require_agent
from symbi.kernel.context import PluginContext
from symbi_reasoning.chat.threads import say
from symbi_reasoning.chat.tickets import SECONDS, Ticket, Tickets
from symbi_reasoning.hosting import Reasoning

if TYPE_CHECKING:
    Socket = WebSocket[Any, Any, Any]

__all__ = ["HANDLERS", "TICKETS"]

PONG_SECONDS = 30.0
MOST_WAITING = 64
MOST_FRAME = 200_000


class AskTicket(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /chat/tickets`."""

    agent: str
    thread: str | None = None


def _tickets(context: PluginContext) -> Tickets:
    host = context.services.get(ReasoningHost)
    if not isinstance(host, Reasoning):
        raise SymbiError("another plugin hosts reasoning here")
    return host.tickets


@post("/chat/tickets", status_code=201)
async def give_ticket(data: AskTicket, context: PluginContext, principal: Principal) -> dict[str, Any]:
    """Give a ticket for one WebSocket: `/ws/chat?ticket=…`, good once, for half a minute."""
    found = await context.services.get(AgentService).resolve(data.agent)
    if found is None:
        raise NotFound(f"no agent {data.agent!r}", code="AGENT_NOT_FOUND")
    require_agent(principal, found.id)
    request = PolicyRequest(
        principal=principal,
        action="agent_execute",
        target=found.name,
        resource=ResourceFacts(type="Agent", id=found.id, attributes={"name": found.name, "owner": found.owner}),
        surface="chat",
        source="human",
        call_id="ticket",
    )
    await context.services.get(Gate).authorize(request)
    ticket = _tickets(context).give(principal, found.id, data.thread)
    return {"ticket": ticket, "expires_in_seconds": SECONDS}


@websocket("/ws/chat", opt={"auth": "open"})
async def converse(socket: WebSocket[Any, Any, Any], context: PluginContext) -> None:
    """Hold one conversation; messages are taken one at a time."""
    ticket = _tickets(context).take(str(socket.query_params.get("ticket", "")))
    if ticket is None:
        await socket.close(code=4401, reason="a fresh ticket is needed: POST /api/v1/chat/tickets")
        return
    await socket.accept()
    await _send(socket, "Pong")
    waiting: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(MOST_WAITING)
    tasks = [asyncio.create_task(_listen(socket, waiting)), asyncio.create_task(_keep_alive(socket))]
    try:
        await _answer_all(socket, context, ticket, waiting)
    except WebSocketDisconnect:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await socket.close()


async def _listen(socket: Socket, waiting: asyncio.Queue[dict[str, Any] | None]) -> None:
    """Take frames: pings are answered at once, messages wait for their turn."""
    try:
        while True:
            text = await socket.receive_text()
            frame = _frame(text)
            kind = frame.get("type") if frame is not None else None
            if frame is not None and kind == "Ping":
                await _send(socket, "Pong")
            elif (
                frame is not None
                and kind == "ChatSend"
                and isinstance(frame.get("content"), str)
                and not waiting.full()
            ):
                waiting.put_nowait(frame)
            else:
                known = kind in ("Ping", "ChatSend") and frame is not None
                words = "too many messages wait" if known and waiting.full() else "not a frame of this protocol"
                await _send(socket, "Error", request_id=None, code="PARSE_ERROR", message=words)
    except WebSocketDisconnect:
        await waiting.put(None)


def _frame(text: str) -> dict[str, Any] | None:
    if len(text) > MOST_FRAME:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


async def _keep_alive(socket: Socket) -> None:
    while True:
        await asyncio.sleep(PONG_SECONDS)
        await _send(socket, "Pong")


async def _answer_all(
    socket: Socket, context: PluginContext, ticket: Ticket, waiting: asyncio.Queue[dict[str, Any] | None]
) -> None:
    thread = ticket.thread
    while (frame := await waiting.get()) is not None:
        number = str(frame.get("id", ""))[:100]
        try:
            found, _, run = await say(
                context, ticket.agent_id, frame["content"], thread_id=thread, principal=ticket.principal
            )
        except SymbiError as error:
            await _send(socket, "Error", request_id=number, code=error.error_code, message=error.message)
            continue
        thread = found.id
        runs = context.services.get(RunService)
        async for event in runs.events(run.run_id):
            async for name, values in _frames(event):
                await _send(socket, name, request_id=number, **values)
        ended = await runs.get(run.run_id)
        if ended.status != "completed":
            message = str((ended.error or {}).get("message", ended.status))
            await _send(socket, "Error", request_id=number, code="LOOP_ERROR", message=message)
        await _send(socket, "ChatChunk", request_id=number, content="", done=True)


async def _frames(event: RunEvent) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    data = event.data
    if event.kind == "chunk":
        yield "ChatChunk", {"content": data.get("text", ""), "done": False}
    elif event.kind == "gate":
        if data.get("kind") == "tool" and data.get("decision") in ("allow", "modify"):
            yield (
                "ToolCallStarted",
                {"call_id": str(data["effect"]), "tool_name": data["target"], "arguments": data["arguments"]},
            )
        elif data.get("decision") in ("deny", "hold"):
            action = f"{data.get('action')}::{data.get('target')}"
            yield "PolicyDecision", {"action": action, "decision": data["decision"], "reason": data.get("reason", "")}
    elif event.kind == "effect" and data.get("kind") == "tool":
        result = data.get("value") if data["status"] == "ok" else data.get("message")
        yield "ToolCallResult", {"call_id": str(data["effect"]), "result": result, "is_error": data["status"] != "ok"}


async def _send(socket: Socket, kind: str, **values: Any) -> None:
    await socket.send_text(msgspec.json.encode({"type": kind, **values}).decode())


HANDLERS = [converse]
TICKETS = [give_ticket]
