"""What Mattermost sends, as messages: posts, outgoing webhooks, slash commands, pressed buttons."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from symbi.contracts.channels import InboundMessage

__all__ = ["Me", "of_action", "of_command", "of_post", "of_webhook", "seal"]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who the bot is."""

    id: str
    username: str


def of_post(post: dict[str, Any], *, me: Me, channel_type: str = "", sender: str = "") -> InboundMessage | None:
    """Return a post as a message; None for the bot's own, other bots', webhooks' and the system's."""
    props = post.get("props") if isinstance(post.get("props"), dict) else {}
    author, conversation, ident = (_text(post, name) for name in ("user_id", "channel_id", "id"))
    automatic = any(str((props or {}).get(name)) == "true" for name in ("from_webhook", "from_bot", "from_plugin"))
    if not (author and conversation and ident) or author == me.id or automatic or _text(post, "type"):
        return None
    text = _text(post, "message")
    mention = re.compile(rf"(?<![\w.-])@{re.escape(me.username)}(?![\w-])", re.IGNORECASE)
    named = mention.search(text) is not None
    created = post.get("create_at")
    return InboundMessage(
        event_id=f"post:{ident}",
        conversation=conversation,
        sender_id=author,
        sender_name=sender.removeprefix("@"),
        text=mention.sub("", text, count=1).strip() if named else text,
        thread=_text(post, "root_id"),
        message_id=ident,
        direct=channel_type == "D",
        addressed=named,
        sent_at=created if isinstance(created, int) and 0 < created < 2**53 else 0,
    )


def of_webhook(facts: Mapping[str, str]) -> InboundMessage | None:
    """Return what an outgoing webhook brings: its trigger word is how it is addressed."""
    author, conversation, ident = (facts.get(name, "") for name in ("user_id", "channel_id", "post_id"))
    if not (author and conversation and ident):
        return None
    text, word = facts.get("text", ""), facts.get("trigger_word", "")
    return InboundMessage(
        event_id=f"post:{ident}",
        conversation=conversation,
        sender_id=author,
        sender_name=facts.get("user_name", ""),
        text=text[len(word) :].strip() if word and text.startswith(word) else text,
        message_id=ident,
        workspace=facts.get("team_id", ""),
        addressed=True,
    )


def of_command(facts: Mapping[str, str]) -> InboundMessage | None:
    """Return a slash command."""
    author, conversation, trigger = (facts.get(name, "") for name in ("user_id", "channel_id", "trigger_id"))
    if not (author and conversation and trigger):
        return None
    return InboundMessage(
        event_id=f"command:{hashlib.sha256(trigger.encode()).hexdigest()}",
        kind="command",
        conversation=conversation,
        sender_id=author,
        sender_name=facts.get("user_name", ""),
        text=facts.get("text", ""),
        thread=facts.get("root_id", ""),
        workspace=facts.get("team_id", ""),
        direct=not facts.get("root_id"),
        addressed=True,
    )


def of_action(body: dict[str, Any], *, key: str) -> InboundMessage | None:
    """Return a pressed button; None unless its context carries our own seal, which people never see."""
    context = body.get("context") if isinstance(body.get("context"), dict) else {}
    value, given = _text(context or {}, "value"), _text(context or {}, "seal")
    author, conversation, ident = (_text(body, name) for name in ("user_id", "channel_id", "post_id"))
    good = given.isascii() and hmac.compare_digest(seal(value, key=key), given)
    if not (good and value and author and conversation):
        return None
    return InboundMessage(
        event_id=f"action:{ident}:{author}:{_text(body, 'trigger_id')}"[:250],
        kind="action",
        conversation=conversation,
        sender_id=author,
        sender_name=_text(body, "user_name"),
        action=value,
        thread=ident,
        addressed=True,
    )


def seal(value: str, *, key: str) -> str:
    """Return the mark that proves that a button is one of ours."""
    return hmac.new(key.encode(), f"symbi-action:{value}".encode(), hashlib.sha256).hexdigest()


def _text(table: Mapping[str, Any], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""
