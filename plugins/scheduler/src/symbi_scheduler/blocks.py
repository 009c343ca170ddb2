"""From a `schedule` block of an agent file to a request; what scheduling cannot keep refuses the block rather than be ignored."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from symbi.contracts.delivery import DeliverySpec
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import ScheduleOptions, ScheduleRequest

__all__ = ["request_from", "seconds"]

_RENAMED = {
    "max_jitter": "jitter_seconds",
    "jitter": "jitter_seconds",
    "session_mode": "session",
    "timeout": "timeout_seconds",
}
_OF_REQUEST = (
    "dst_gap", "dst_overlap", "day_match", "start_at", "end_at", "max_fires", "calendar", "calendar_mode", "on_excluded", "input", "fail_fast",
)  # fmt: skip
_OF_DELIVERY = ("webhook_url", "webhook_headers", "slack_channel", "email_recipients")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*\.?(milliseconds?|ms|seconds?|s|minutes?|m|hours?|h|days?|d)\s*")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def request_from(block: dict[str, Any]) -> ScheduleRequest:
    """The request that a schedule block means; raises InvalidRequest for what is unknown or has a wrong value."""
    own = {_RENAMED.get(name, name): value for name, value in (block.get("options") or {}).items()}
    places = {name: own.pop(name) for name in _OF_DELIVERY if name in own}
    own |= _conditions(block.get("conditions") or {})
    own = {name: seconds(value) if name.endswith("_seconds") else value for name, value in own.items()}
    if "jitter_seconds" in own:
        own["jitter_seconds"] = round(own["jitter_seconds"])
    given: dict[str, Any] = {name: own.pop(name) for name in _OF_REQUEST if name in own}
    unknown = sorted(set(own) - set(ScheduleOptions.__struct_fields__))
    if unknown:
        raise InvalidRequest(
            f"scheduling does not know {', '.join(unknown)}", hint="remove it; it would have no effect"
        )
    facts = {
        "name": block["name"], "agent_name": block["agent"], "cron_expression": block.get("cron"), "at": block.get("at"),
        "timezone": block.get("timezone", "UTC"), "policy_ids": block.get("policies") or (),
        "one_shot": bool(block.get("one_shot")) or block.get("at") is not None,
        "delivery": [_delivery(text, places) for text in block.get("delivery") or ()], "options": own,
    }  # fmt: skip
    try:
        return msgspec.convert({**given, **facts}, ScheduleRequest, strict=False, from_attributes=True)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None


def _conditions(conditions: dict[str, Any]) -> dict[str, Any]:
    found = dict(conditions)
    if "max_runtime" in found:
        found["timeout_seconds"] = found.pop("max_runtime")
    hours = found.get("allowed_hours")
    if isinstance(hours, dict) and set(hours) == {"start", "end"}:
        found["allowed_hours"] = (_clock(hours["start"]), _clock(hours["end"]))
    if found.pop("require_agent_pin", False):
        raise InvalidRequest(
            "require_agent_pin cannot be kept: no verifier of AgentPin is part of scheduling", hint="remove it"
        )
    return found


def _clock(value: Any) -> str:
    return f"{value:02}:00" if isinstance(value, int) else str(value)


def seconds(value: Any) -> float:
    """Seconds of a number or of a duration such as `30s`, `5m`, `1h 30m`, `30.seconds`; raises InvalidRequest."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    text, place, total = str(value).strip().lower(), 0, 0.0
    while found := _DURATION.match(text, place):
        unit = found[2]
        total += float(found[1]) * (_UNITS["ms"] if unit.startswith(("ms", "milli")) else _UNITS[unit[0]])
        place = found.end()
    if not text or place != len(text):
        raise InvalidRequest(f"{str(value)[:40]!r} is not a duration such as 30s, 5m or 1h 30m")
    return total


def _delivery(text: str, places: dict[str, Any]) -> DeliverySpec:
    """`stdout`, `log_file:PATH`, `webhook` with its url beside it, `https://…`, `slack://CHANNEL`, `email`, or a target's name."""
    if text.startswith(("http://", "https://")):
        return DeliverySpec(target="webhook", config={"url": text})
    scheme, colon, rest = text.partition("://")
    if colon or scheme == "slack":
        return DeliverySpec(
            target="channel", config={"channel": rest or str(places.get("slack_channel", scheme)).lstrip("#")}
        )
    name, _, rest = text.partition(":")
    if name in ("file", "log_file"):
        return DeliverySpec(target="file", config={"path": rest} if rest else {})
    if name == "webhook":
        headers = places.get("webhook_headers")
        return DeliverySpec(
            target="webhook",
            config={"url": places.get("webhook_url", rest), **({"headers": headers} if headers else {})},
        )
    if name == "email":
        return DeliverySpec(target="email", config={"to": list(places.get("email_recipients") or [])})
    return DeliverySpec(target=name, config={"target": rest} if rest else {})
