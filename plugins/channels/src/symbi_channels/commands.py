"""What people may write beside plain text: help, run, pending, approve, deny."""

from __future__ import annotations

from typing import Literal

import msgspec

from symbi.contracts.channels import InboundMessage
from symbi_channels.routing import Routing

__all__ = ["Command", "help_text", "read_command"]

VOTE_PREFIX = "approval:"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted: `target` is an agent or an approval's id, `text` the input or the reason."""

    verb: Literal["help", "ask", "pending", "approve", "deny"]
    target: str = ""
    text: str = ""


def read_command(message: InboundMessage, routing: Routing) -> Command:
    """Return what a message wants; plain text is for the agent that the channel's rules choose."""
    if message.action:
        verdict, _, ident = message.action.removeprefix(VOTE_PREFIX).partition(":")
        if message.action.startswith(VOTE_PREFIX) and verdict in ("approve", "deny") and ident:
            return Command(verb="approve" if verdict == "approve" else "deny", target=ident)
        return Command(verb="help")
    text = message.text.strip()
    first, _, rest = text.partition(" ")
    word, rest = first.lower(), rest.strip()
    if word in ("", "help", "?"):
        return Command(verb="help")
    if word == "pending" and not rest:
        return Command(verb="pending")
    if word in ("approve", "deny") and rest and _is_id(rest.split(None, 1)[0]):
        ident, _, reason = rest.partition(" ")
        return Command(verb="approve" if word == "approve" else "deny", target=ident, text=reason.strip())
    if word == "run" and rest:
        agent, _, given = rest.partition(" ")
        if agent in routing.known_agents():
            return Command(verb="ask", target=agent, text=given.strip())
    if message.kind == "command" and first in routing.known_agents():
        return Command(verb="ask", target=first, text=rest)
    return Command(verb="ask", target=routing.agent_for(message), text=text)


def help_text(routing: Routing) -> str:
    """Return what can be done here."""
    agents = routing.known_agents()
    lines = []
    if routing.agent:
        lines.append(f"Write to me, and the agent `{routing.agent}` answers in this thread.")
    elif agents:
        lines.append("Write to me, and the agent that fits answers in this thread.")
    else:
        lines.append("This channel only sends; no agent listens here.")
    if len(agents) > 1:
        lines.append("`run AGENT text` asks a certain one: " + ", ".join(f"`{name}`" for name in agents) + ".")
    lines.append("`pending` lists actions that wait for approval; `approve ID [reason]` and `deny ID [reason]` decide.")
    return "\n".join(lines)


def _is_id(text: str) -> bool:
    return 8 <= len(text) <= 64 and all(character in "0123456789abcdef-" for character in text)
