"""Activities of the Bot Framework, as messages."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from symbi.contracts.channels import InboundMessage

__all__ = ["of_activity"]

_TAG = re.compile(r"<at(?:\s[^>]{0,100})?>[^<]{0,200}</at>", re.IGNORECASE)


def of_activity(body: dict[str, Any]) -> InboundMessage | None:
    """Return a message or a pressed button; None for everything else, and for what the bot said itself."""
    sender, bot, conversation = (_table(body.get(name)) for name in ("from", "recipient", "conversation"))
    author, ident, place = _text(sender, "id"), _text(body, "id"), _text(conversation, "id")
    if _text(body, "type") != "message" or not (author and ident and place) or author == _text(bot, "id"):
        return None
    if _text(sender, "role") == "bot" or author.startswith("28:"):
        return None
    room, _, root = place.partition(";messageid=")
    value = _text(_table(body.get("value")), "symbi")
    direct = _text(conversation, "conversationType") == "personal"
    named = any(
        _text(_table(_table(each).get("mentioned")), "id") == _text(bot, "id") for each in _list(body.get("entities"))
    )
    reply = {
        "service_url": _text(body, "serviceUrl"),
        "tenant": _text(conversation, "tenantId"),
        "bot": _text(bot, "id"),
    }
    return InboundMessage(
        event_id=f"{place}:{ident}"[:250],
        kind="action" if value else "message",
        conversation=room,
        sender_id=author,
        sender_name=_text(sender, "name"),
        text="" if value else _without_bot(_text(body, "text"), _text(bot, "name")),
        action=value,
        thread=root,
        message_id=ident,
        workspace=_text(_table(_table(body.get("channelData")).get("team")), "id"),
        direct=direct,
        addressed=named or bool(value),
        reply=reply,
        sent_at=_milliseconds(_text(body, "timestamp")),
    )


def _without_bot(text: str, name: str) -> str:
    """Take the bot's own mention off, and leave the names of others."""

    def shown(found: re.Match[str]) -> str:
        inner = re.sub(r"<[^>]*>", "", found[0]).strip()
        return "" if inner == name else inner

    plain = _TAG.sub(shown, text)
    return plain.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int(moment.timestamp() * 1000) if moment.tzinfo else 0


def _text(table: dict[str, Any], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
