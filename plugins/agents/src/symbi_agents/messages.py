"""Messages between agents: kept in the store until they are taken or their time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from symbi.contracts.agents import AgentService
from symbi.contracts.errors import CapacityExceeded, InvalidRequest, NotFound, PayloadTooLarge
from symbi.contracts.messages import Message, MessageService, MessageStatus
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.http.access import require_agent
from symbi.kernel.context import PluginContext
from symbi_agents.config import MessagesConfig
from symbi_agents.tables import MESSAGES

__all__ = ["Messages", "open_messages"]

_KEEP_MS = 24 * 3600 * 1000
_SWEEP_SECONDS = 300.0


class Messages(MessageService):
    """Carries messages through the record store."""

    def __init__(self, config: MessagesConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context

    async def send(
        self,
        recipient: str,
        *,
        sender: str,
        payload: str,
        principal: Principal,
        ttl_seconds: int = 300,
        topic: str | None = None,
    ) -> str:
        if len(payload.encode()) > self._config.max_payload_bytes:
            raise PayloadTooLarge(
                f"a payload may have at most {self._config.max_payload_bytes} bytes",
                details={"field": "payload", "limit_bytes": self._config.max_payload_bytes},
            )
        require_agent(principal, sender)
        agents = self._context.services.get(AgentService)
        to = await agents.resolve(recipient)
        if to is None:
            raise NotFound(f"no agent {recipient!r}", code="AGENT_NOT_FOUND")
        gate = self._context.services.maybe(Gate)
        if gate is not None:
            facts = ResourceFacts(type="Agent", id=to.name)
            arguments = {"sender": sender, "topic": topic or "", "size": len(payload)}
            await gate.authorize(
                PolicyRequest(
                    principal=principal,
                    action="agent_message",
                    target=to.name,
                    resource=facts,
                    arguments=arguments,
                    surface="api",
                    source="api",
                )
            )
        ttl = max(1, min(ttl_seconds, self._config.max_ttl_seconds))
        now = self._context.clock.now_ms()
        message_id = self._context.ids.uuid()
        row = {
            "message_id": message_id,
            "sender": sender,
            "recipient": to.id,
            "topic": topic,
            "payload": payload,
            "created_at": now,
            "expires_at": now + ttl * 1000,
            "ttl_seconds": ttl,
        }
        if not await self._context.store.write(_put, row, limit=self._config.max_pending, now=now):
            raise CapacityExceeded(
                f"{self._config.max_pending} messages wait for the agent already", code="SEND_MESSAGE_FAILED"
            )
        return message_id

    async def receive(
        self, agent_id: str, *, principal: Principal, limit: int = 100, acknowledge: Sequence[str] | None = None
    ) -> list[Message]:
        require_agent(principal, agent_id)
        if await self._context.services.get(AgentService).resolve(agent_id) is None:
            raise NotFound(f"no agent {agent_id!r}", code="AGENT_NOT_FOUND")
        return await self._context.store.write(
            _take, agent_id, now=self._context.clock.now_ms(), limit=limit, acknowledge=acknowledge
        )

    async def status(self, message_id: str, *, principal: Principal) -> MessageStatus:
        row = await self._context.store.read(_find, message_id)
        if row is None or not (principal.may_use_agent(row.sender) or principal.may_use_agent(row.recipient)):
            raise NotFound(f"no message {message_id!r}", code="MESSAGE_STATUS_FAILED")
        if row.delivered_at is not None:
            return "delivered"
        if row.failed is not None:
            return "failed"
        return "expired" if row.expires_at <= self._context.clock.now_ms() else "pending"

    async def sweep(self) -> int:
        """Remove messages whose fate has been known for a day; return how many."""
        return await self._context.store.write(_sweep, before=self._context.clock.now_ms() - _KEEP_MS)


@asynccontextmanager
async def open_messages(config: MessagesConfig, context: PluginContext) -> AsyncIterator[Messages]:
    """Open the service and keep its table small."""
    messages = Messages(config, context)

    async def sweeping() -> None:
        while True:
            await context.clock.sleep(_SWEEP_SECONDS)
            await messages.sweep()

    task = context.tasks.supervise("sweep-messages", sweeping)
    try:
        yield messages
    finally:
        task.cancel()


def checked_ttl(value: Any) -> int:
    """Return a wish for a life in seconds; raises `InvalidRequest` for anything but a whole number (any size: it is clamped)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest(
            "ttl_seconds must be a whole number", details={"field": "ttl_seconds", "reason": "invalid"}
        )
    return value


def _put(conn: Connection, row: dict[str, Any], *, limit: int, now: int) -> bool:
    waiting = (
        select(func.count())
        .select_from(MESSAGES)
        .where(MESSAGES.c.recipient == row["recipient"], MESSAGES.c.delivered_at.is_(None), MESSAGES.c.expires_at > now)
    )
    if conn.execute(waiting).scalar_one() >= limit:
        return False
    conn.execute(insert(MESSAGES).values(**row))
    return True


def _take(conn: Connection, agent_id: str, *, now: int, limit: int, acknowledge: Sequence[str] | None) -> list[Message]:
    if acknowledge:
        conn.execute(
            update(MESSAGES)
            .where(MESSAGES.c.recipient == agent_id, MESSAGES.c.message_id.in_(acknowledge))
            .values(delivered_at=now)
        )
    inbox = select(MESSAGES).where(
        MESSAGES.c.recipient == agent_id,
        MESSAGES.c.delivered_at.is_(None),
        MESSAGES.c.failed.is_(None),
        MESSAGES.c.expires_at > now,
    )
    rows = conn.execute(inbox.order_by(MESSAGES.c.seq).limit(limit)).all()
    if acknowledge is None and rows:
        conn.execute(update(MESSAGES).where(MESSAGES.c.seq.in_([row.seq for row in rows])).values(delivered_at=now))
    return [_message(row) for row in rows]


def _find(conn: Connection, message_id: str) -> Any:
    return conn.execute(select(MESSAGES).where(MESSAGES.c.message_id == message_id)).first()


def _sweep(conn: Connection, *, before: int) -> int:
    return conn.execute(
        delete(MESSAGES).where((MESSAGES.c.delivered_at < before) | (MESSAGES.c.expires_at < before))
    ).rowcount


def _message(row: Any) -> Message:
    return Message(
        message_id=row.message_id,
        sender=row.sender,
        recipient=row.recipient,
        topic=row.topic,
        payload=row.payload,
        message_type="publish" if row.topic else "direct",
        timestamp_secs=row.created_at // 1000,
        ttl_seconds=row.ttl_seconds,
    )
