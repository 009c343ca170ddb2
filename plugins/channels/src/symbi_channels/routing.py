"""What every channel's configuration may say beside what its platform reads: who answers, where, and how."""

from __future__ import annotations

import fnmatch
from typing import Annotated, Any, Literal

import msgspec

from symbi.contracts.channels import InboundMessage

__all__ = ["Routing", "Rule", "split_config"]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sends some messages to another agent; the first rule that fits wins. `match` is a glob over the text, case ignored."""

    agent: str
    match: str = "*"
    conversation: str = ""


class Routing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that all platforms share."""

    agent: str = ""
    """The agent that answers; without one (and no rule) the channel only sends."""
    rules: tuple[Rule, ...] = ()
    agents: tuple[str, ...] = ()
    """Further agents that people may call by `run NAME …`."""
    conversations: tuple[str, ...] = ()
    """The only conversations that are listened to (ids as the platform calls them); empty means all that the bot is in."""
    listen: Literal["mentions", "all"] = "mentions"
    """Whether a message in a room must name the bot; direct messages and commands always count."""
    approvals_to: str = ""
    """A conversation in which held actions of every run are shown; those of a run that came from here are shown in its thread anyway."""
    slow_notice_seconds: Annotated[float, msgspec.Meta(ge=0)] = 3.0
    """After this the person is told that the agent works on it; 0 says nothing."""
    progress_seconds: Annotated[float, msgspec.Meta(ge=1)] = 5.0
    """How often that notice may change while the run goes on."""
    store_text: bool = False
    """Whether the audit log holds what people wrote; otherwise its SHA-256 and length."""

    def known_agents(self) -> tuple[str, ...]:
        """Return every agent that can be reached here, each once, the default first."""
        named = [self.agent, *(rule.agent for rule in self.rules), *self.agents]
        return tuple(dict.fromkeys(name for name in named if name))

    def listens_to(self, message: InboundMessage) -> bool:
        """Tell whether anybody acts on the message."""
        if self.conversations and not message.direct and message.conversation not in self.conversations:
            return False
        return message.kind != "message" or message.direct or message.addressed or self.listen == "all"

    def agent_for(self, message: InboundMessage) -> str:
        """Return the agent that answers, or the empty text."""
        for rule in self.rules:
            if rule.conversation in ("", message.conversation) and fnmatch.fnmatchcase(
                message.text.lower(), rule.match.lower()
            ):
                return rule.agent
        return self.agent


def split_config(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is for `Routing` and what is for the platform."""
    shared = {name: value for name, value in config.items() if name in Routing.__struct_fields__}
    return shared, {name: value for name, value in config.items() if name not in shared}
