"""What every kind of Slack channel says: its text in Slack's markup, its buttons as blocks."""

from __future__ import annotations

from typing import Any

from symbi.contracts.channels import OutboundMessage
from symbi_slack.formatting import to_mrkdwn

__all__ = ["MESSAGE_SIZE", "body_of"]

MESSAGE_SIZE = 3000
"""The text of one section; a plain text may be 4,000 long, and 3,000 is safe in both (channels.md §2)."""


def body_of(message: OutboundMessage) -> dict[str, Any]:
    """Return `text`, and `blocks` where there are buttons (an empty list otherwise, which takes old buttons off in an edit)."""
    text = to_mrkdwn(message.text)
    if not message.buttons:
        return {"text": text}
    elements = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": button.label[:75]},
            "value": button.value[:2000],
            "action_id": f"symbi_{index}",
            **({"style": button.style} if button.style else {}),
        }
        for index, button in enumerate(message.buttons[:25])
    ]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text[:MESSAGE_SIZE]}}
    return {"text": text, "blocks": [section, {"type": "actions", "elements": elements}]}
