"""What Slack sends, as messages: events, slash commands, pressed buttons; everything else is nothing."""

from __future__ import annotations

import re
from typing import Any

from symbi.contracts.channels import InboundMessage

__all__ = ["of_command", "of_event", "of_interaction"]

_SUBTYPES = frozenset({"", "thread_broadcast", "file_share"})
_MENTION = re.compile(r"<@([A-Z0-9]{2,20})(?:\|[^>]{0,100})?>")


def of_event(body: dict[str, Any], *, nonce: str = "") -> InboundMessage | None:
    """Return the message of an `event_callback`, None for events that nobody acts on (edits, joins, the bot's own posts)."""
    event = _table(body.get("event"))
    kind, subtype = _text(event, "type"), _text(event, "subtype")
    sender, conversation, stamp = _text(event, "user"), _text(event, "channel"), _text(event, "ts")
    if kind not in ("message", "app_mention") or subtype not in _SUBTYPES or event.get("hidden"):
        return None
    bots = {_text(_table(each), "user_id") for each in _list(body.get("authorizations"))}
    if event.get("bot_id") or event.get("bot_profile") or not sender or sender in bots or not conversation:
        return None
    text = _text(event, "text")
    named = kind == "app_mention" or any(user in bots for user in _MENTION.findall(text))
    key = f"{_text(body, 'api_app_id')}:{_text(body, 'team_id')}:{_text(body, 'event_id')}"
    return InboundMessage(
        event_id=key,
        conversation=conversation,
        sender_id=sender,
        text=_plain(_without_bots(text, bots, named)),
        thread=_text(event, "thread_ts"),
        message_id=stamp,
        workspace=_text(body, "team_id"),
        direct=_text(event, "channel_type") == "im",
        addressed=named,
        also=(f"ts:{conversation}:{stamp}",) if stamp else (),
        nonce=nonce,
        sent_at=_milliseconds(stamp),
    )


def of_command(form: dict[str, str], *, nonce: str = "") -> InboundMessage | None:
    """Return a slash command as a message, None where its form is not complete."""
    sender, conversation, trigger = form.get("user_id", ""), form.get("channel_id", ""), form.get("trigger_id", "")
    if not (sender and conversation and trigger):
        return None
    return InboundMessage(
        event_id=f"command:{trigger}",
        kind="command",
        conversation=conversation,
        sender_id=sender,
        sender_name=form.get("user_name", ""),
        text=_plain(form.get("text", "")),
        workspace=form.get("team_id", ""),
        addressed=True,
        reply={"response_url": form.get("response_url", "")},
        nonce=nonce,
    )


def of_interaction(payload: dict[str, Any], *, nonce: str = "") -> InboundMessage | None:
    """Return a pressed button, None for other interactions."""
    if payload.get("type") != "block_actions":
        return None
    actions = _list(payload.get("actions"))
    action = _table(actions[0]) if actions else {}
    user, channel, message = (_table(payload.get(name)) for name in ("user", "channel", "message"))
    sender, conversation, value = _text(user, "id"), _text(channel, "id"), _text(action, "value")
    if not (sender and conversation and value):
        return None
    stamp = _text(message, "ts")
    return InboundMessage(
        event_id=f"action:{_text(payload, 'trigger_id') or _text(action, 'action_ts')}",
        kind="action",
        conversation=conversation,
        sender_id=sender,
        sender_name=_text(user, "username") or _text(user, "name"),
        action=value,
        thread=_text(message, "thread_ts") or stamp,
        message_id=stamp,
        workspace=_text(_table(payload.get("team")), "id"),
        addressed=True,
        reply={"response_url": _text(payload, "response_url")},
        nonce=nonce,
    )


def _without_bots(text: str, bots: set[str], named: bool) -> str:
    """Take the bot's name off; where Slack does not say who the bot is, the first name of a mention is it."""
    if bots - {""}:
        return _MENTION.sub(lambda found: "" if found[1] in bots else found[0], text)
    return _MENTION.sub("", text, count=1) if named else text


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _milliseconds(stamp: str) -> int:
    whole, _, part = stamp.partition(".")
    return int(whole) * 1000 + int(part[:3] or 0) if whole.isdigit() and len(whole) <= 11 and part.isdigit() else 0


def _text(table: dict[str, Any], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
