"""Messages between agents: durable, in order, acknowledged, with a life of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from symbi.contracts.principal import Principal

__all__ = ["Message", "MessageService", "MessageStatus"]

MessageStatus = Literal["pending", "delivered", "failed", "expired"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message in an inbox, as the API shows it."""

    message_id: str
    sender: str
    recipient: str
    topic: str | None
    payload: str
    message_type: str
    timestamp_secs: int
    ttl_seconds: int


class MessageService(Protocol):
    """Carries messages between agents."""

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
        """Put a message into the recipient's inbox, durably, and return its id.

        Raises `NotFound`, `Forbidden` where the principal may not speak for the sender, `PolicyDenied`, `PayloadTooLarge`, `CapacityExceeded`.
        """

    async def receive(
        self, agent_id: str, *, principal: Principal, limit: int = 100, acknowledge: Sequence[str] | None = None
    ) -> list[Message]:
        """Take messages out of an inbox, oldest first.

        With `acknowledge` None what is returned counts as delivered at once; with a list, those ids are marked delivered and what is returned stays
        until it is acknowledged too.
        """

    async def status(self, message_id: str, *, principal: Principal) -> MessageStatus:
        """Return what became of a message; raises `NotFound`."""
