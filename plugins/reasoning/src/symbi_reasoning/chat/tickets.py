"""Tickets for WebSockets: a browser cannot send a header there, and a token does not belong in an address (`runtime-api.md` §5)."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from symbi.contracts.errors import CapacityExceeded
from symbi.contracts.principal import Principal

__all__ = ["SECONDS", "Ticket", "Tickets"]

SECONDS = 30.0
MOST = 1000


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Who may open one conversation with which agent, until when (monotonic seconds)."""

    principal: Principal
    agent_id: str
    until: float
    thread: str | None = None


class Tickets:
    """Tickets that were given out here; each is good once, for half a minute."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, Ticket] = {}

    def give(self, principal: Principal, agent_id: str, thread: str | None) -> str:
        """Return a fresh ticket; raises `CapacityExceeded` where too many are out."""
        now = self._now()
        self._open = {word: ticket for word, ticket in self._open.items() if ticket.until > now}
        if len(self._open) >= MOST:
            raise CapacityExceeded("too many tickets are out", code="TOO_MANY_TICKETS")
        word = secrets.token_urlsafe(24)
        self._open[word] = Ticket(principal=principal, agent_id=agent_id, until=now + SECONDS, thread=thread)
        return word

    def take(self, word: str) -> Ticket | None:
        """Return what a ticket is good for, once; None for one that is unknown, used or too old."""
        ticket = self._open.pop(word, None)
        return ticket if ticket is not None and ticket.until > self._now() else None
