"""The routes below `/api/v1/context`: search, memories, sharing, blocks, sessions."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, patch, post, put

from symbi.contracts.context import Forget
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import Level
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi_context.asking import asked
from symbi_context.routes_keeping import KEEPING
from symbi_context.routes_knowledge import KNOWLEDGE
from symbi_context.wire import grant_shown, item_shown, moment, new_memory, proof_shown, search_query, search_shown

__all__ = ["HANDLERS"]


class ForgetBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/forget`."""

    agent: str
    ids: list[str] = []
    subject: str = ""
    session: str = ""
    everything: bool = False


class ShareBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/grants`."""

    agent: str
    recipient: str
    items: list[str] = []
    level: Level = "public"
    expires_at: Any = None


class BlockBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `PUT /context/blocks/{label}`."""

    agent: str
    text: str
    expected: int | None = None
    limit: int | None = None


class LineBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/sessions/{session}/lines`."""

    agent: str
    role: str
    text: str


@post("/context/search", status_code=200)
async def search(data: dict[str, Any], principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Search what an agent remembers, knows and has said: the seed's body, and `agent`."""
    agent = data.pop("agent", None) or data.pop("agent_id", None)
    query = search_query(data)
    found = await asked(context, principal, agent, "memory_read", shared=query.kinds == ("chunk",))
    return search_shown(await found.service.search(found.scope, query))


@post("/context/memories", status_code=200, opt={"idempotent": True})
async def remember(data: dict[str, Any], principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Keep a memory of an agent."""
    agent = data.pop("agent", None)
    memory = new_memory(data)
    found = await asked(context, principal, agent, "memory_write", level=memory.level)
    kept = await found.service.remember(found.scope, memory, principal=principal)
    return {"id": kept.id, "status": "created", "conflicts": list(kept.conflicts)}


@get("/context/memories")
async def list_memories(
    agent: str, principal: Principal, context: PluginContext, type: str = "", limit: int = 100, archived: bool = False
) -> dict[str, Any]:
    """List an agent's own memories, newest first."""
    _check_limit(limit)
    found = await asked(context, principal, agent, "memory_read")
    types = [each for each in type.split(",") if each]
    items = await found.service.list(found.scope, types=types, limit=limit, archived=archived)
    return {"memories": [item_shown(item) for item in items]}


@get("/context/memories/{item:str}")
async def show_memory(item: str, agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Show one memory."""
    found = await asked(context, principal, agent, "memory_read")
    return item_shown(await found.service.get(found.scope, item))


@get("/context/memories/{item:str}/history")
async def memory_history(item: str, agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Show every state that a memory has had, oldest first."""
    found = await asked(context, principal, agent, "memory_read")
    return {"history": [item_shown(each) for each in await found.service.history(found.scope, item)]}


@patch("/context/memories/{item:str}")
async def revise(item: str, data: dict[str, Any], principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Change a memory; `metadata` carries feedback (`helpful`, `user_rating`, `bookmarked` …)."""
    agent = data.pop("agent", None)
    if "valid_to" in data:
        data["valid_to"] = moment(data["valid_to"], "valid_to")
    found = await asked(context, principal, agent, "memory_write", level=str(data.get("level", "public")))
    return item_shown(await found.service.revise(found.scope, item, data, principal=principal))


@delete("/context/memories/{item:str}", status_code=200)
async def forget_one(item: str, agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Erase one memory for good."""
    found = await asked(context, principal, agent, "memory_forget")
    await found.service.get(found.scope, item)
    return proof_shown(await found.service.forget(found.scope, Forget(ids=(item,)), principal=principal))


@post("/context/forget", status_code=200)
async def forget(data: ForgetBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Erase for good what is named, and answer the proof."""
    found = await asked(context, principal, data.agent, "memory_forget", arguments={"everything": data.everything})
    what = Forget(ids=tuple(data.ids), subject=data.subject, session=data.session, everything=data.everything)
    return proof_shown(await found.service.forget(found.scope, what, principal=principal))


@post("/context/grants", status_code=200)
async def share(data: ShareBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Let another agent, or `group:NAME`, read."""
    arguments = {"recipient": data.recipient, "items": data.items, "level": data.level}
    found = await asked(context, principal, data.agent, "memory_share", level=data.level, arguments=arguments)
    grant = await found.service.share(
        found.scope,
        data.recipient,
        principal=principal,
        items=data.items,
        level=data.level,
        expires_at=moment(data.expires_at, "expires_at"),
    )
    return grant_shown(grant)


@get("/context/grants")
async def list_grants(agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """List what an agent shares, and what is shared with it."""
    found = await asked(context, principal, agent, "memory_read")
    return {"grants": [grant_shown(each) for each in await found.service.sharing.grants(found.scope)]}


@delete("/context/grants/{grant:str}", status_code=200)
async def revoke(grant: str, agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """End a sharing at once."""
    found = await asked(context, principal, agent, "memory_share")
    return grant_shown(await found.service.revoke(found.scope, grant, principal=principal))


@get("/context/blocks")
async def list_blocks(agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """List an agent's blocks."""
    found = await asked(context, principal, agent, "memory_read")
    blocks = await found.service.blocks(found.scope)
    return {"blocks": [{**msgspec.to_builtins(block), "updated_at": rfc3339(block.updated_at)} for block in blocks]}


@put("/context/blocks/{label:str}")
async def set_block(label: str, data: BlockBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Write a block; `expected` is the version that it must have (0 = new)."""
    found = await asked(context, principal, data.agent, "memory_write")
    block = await found.service.set_block(found.scope, label, data.text, expected=data.expected, limit=data.limit)
    return {**msgspec.to_builtins(block), "updated_at": rfc3339(block.updated_at)}


@delete("/context/blocks/{label:str}", status_code=200)
async def remove_block(label: str, agent: str, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Remove a block."""
    found = await asked(context, principal, agent, "memory_forget")
    await found.service.blocks_of.remove(found.scope, label)
    return {"label": label, "status": "removed"}


@get("/context/sessions")
async def list_sessions(agent: str, principal: Principal, context: PluginContext, limit: int = 100) -> dict[str, Any]:
    """List an agent's sessions, the one used last first."""
    _check_limit(limit)
    found = await asked(context, principal, agent, "memory_read")
    sessions = await found.service.sessions.all(found.scope, limit=limit)
    return {
        "sessions": [
            {**each, **{name: rfc3339(each[name]) for name in ("created_at", "updated_at")}} for each in sessions
        ]
    }


@get("/context/sessions/{session:str}/lines")
async def session_lines(
    session: str, agent: str, principal: Principal, context: PluginContext, limit: int = 100
) -> dict[str, Any]:
    """Show the last lines of a session, oldest first."""
    _check_limit(limit)
    found = await asked(context, principal, agent, "memory_read")
    return {
        "lines": [item_shown(each) for each in await found.service.sessions.lines(found.scope, session, limit=limit)]
    }


@post("/context/sessions/{session:str}/lines", status_code=200)
async def add_line(session: str, data: LineBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Add a line to a session, which begins with it where it is new."""
    found = await asked(context, principal, data.agent, "memory_write")
    return item_shown(await found.service.add_line(found.scope, session, data.role, data.text))


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= 1000:
        raise InvalidRequest("limit must be from 1 to 1000", details={"field": "limit", "reason": "out_of_range"})


HANDLERS = [
    search, remember, list_memories, show_memory, memory_history, revise, forget_one, forget, share, list_grants, revoke,
    list_blocks, set_block, remove_block, list_sessions, session_lines, add_line, *KNOWLEDGE, *KEEPING,
]  # fmt: skip
