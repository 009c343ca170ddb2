"""Text as cards: Adaptive Cards for Workflows and bots, MessageCards for connectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from symbi.contracts.channels import Button

__all__ = ["MESSAGE_BYTES", "adaptive_card", "flow_body", "measure"]

MESSAGE_BYTES = 18_000
"""Teams refuses about 28 KB; failures were measured from 21 KB (channels.md §2). The envelope needs some of it."""
_CODE = re.compile(r"```[^\n`]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+([^\n]{1,500})$", re.MULTILINE)
_STYLES = {"primary": "positive", "danger": "destructive", "": "default"}
ADAPTIVE = "application/vnd.microsoft.card.adaptive"


def adaptive_card(text: str, buttons: Sequence[Button] = ()) -> dict[str, Any]:
    """Return an Adaptive Card: prose in Markdown blocks, code in monospaced ones, buttons as `Action.Submit`."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": _blocks(text),
    }
    if buttons:
        card["actions"] = [
            {
                "type": "Action.Submit",
                "title": button.label,
                "style": _STYLES[button.style],
                "data": {"symbi": button.value},
            }
            for button in buttons
        ]
    return card


def flow_body(text: str) -> dict[str, Any]:
    """Return what "When a Teams webhook request is received" expects."""
    attachment = {"contentType": ADAPTIVE, "contentUrl": None, "content": adaptive_card(text)}
    return {"type": "message", "attachments": [attachment]}


def measure(text: str) -> int:
    """Return the size of the text's card in bytes of JSON."""
    return len(msgspec.json.encode(_blocks(text)))


def _blocks(text: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    position = 0
    for found in _CODE.finditer(text):
        _prose(blocks, text[position : found.start()])
        code = found[1].rstrip("\n")
        if code:
            blocks.append({"type": "TextBlock", "text": _breaks(code), "fontType": "Monospace", "wrap": True})
        position = found.end()
    _prose(blocks, text[position:])
    return blocks or [{"type": "TextBlock", "text": " ", "wrap": True}]


def _prose(blocks: list[dict[str, Any]], text: str) -> None:
    text = _HEADING.sub(lambda found: f"**{found[1].strip('* ')}**", text).strip("\n")
    if text.strip():
        blocks.append({"type": "TextBlock", "text": _breaks(text), "wrap": True})


def _breaks(text: str) -> str:
    """Return the text with line ends that Teams shows: a single one would be a space."""
    return text.replace("\n", "\n\n").replace("\n\n\n\n", "\n\n")
