"""The routes of messages between agents (runtime-api.md §1.3)."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.messages import MessageService
from symbi.contracts.principal import Principal
from symbi.kernel.services import Services
from symbi_agents.messages import checked_ttl

__all__ = ["HANDLERS"]

_BODY_LIMIT = 400_000
_MOST = 1000


class SendMessage(msgspec.Struct, kw_only=True):
    """The body of `POST /agents/{id}/messages`; `payload` may be any JSON and is kept as text."""

    sender: str
    payload: Any
    ttl_seconds: Any = 300
    topic: str | None = None


@post("/agents/{agent_id:str}/messages", status_code=200, opt={"idempotent": True}, request_max_body_size=_BODY_LIMIT)
async def send_message(agent_id: str, data: SendMessage, services: Services, principal: Principal) -> dict[str, str]:
    """Send a message to an agent's inbox."""
    payload = data.payload if isinstance(data.payload, str) else msgspec.json.encode(data.payload).decode()
    messages = services.get(MessageService)
    found = await messages.send(
        agent_id,
        sender=data.sender,
        payload=payload,
        principal=principal,
        ttl_seconds=checked_ttl(data.ttl_seconds),
        topic=data.topic,
    )
    return {"message_id": found, "status": "pending"}


@get("/agents/{agent_id:str}/messages")
async def receive_messages(
    agent_id: str, services: Services, principal: Principal, limit: int = 100, ack: str | None = None
) -> dict[str, Any]:
    """Take messages out of an agent's inbox; with `?ack=` (ids, comma-separated, or empty) they stay until they are acknowledged."""
    if not 1 <= limit <= _MOST:
        raise InvalidRequest(f"limit must be from 1 to {_MOST}", details={"field": "limit", "reason": "out_of_range"})
    acknowledge = None if ack is None else [part for part in ack.split(",") if part]
    return {
        "messages": await services.get(MessageService).receive(
            agent_id, principal=principal, limit=limit, acknowledge=acknowledge
        )
    }


@get("/messages/{message_id:str}/status")
async def message_status(message_id: str, services: Services, principal: Principal) -> dict[str, str]:
    """Show what became of a message."""
    return {
        "message_id": message_id,
        "status": await services.get(MessageService).status(message_id, principal=principal),
    }


HANDLERS = [send_message, receive_messages, message_status]
