"""Tools that touch nothing: the clock, and JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import InvalidRequest, NotFound
from symbi.contracts.offers import NoConfig
from symbi.contracts.tools import ToolProvider, ToolSpec
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext

__all__ = ["open_basic"]

_TEXT = {"type": "string"}
SPECS = (
    ToolSpec(
        name="clock",
        description="Tell the current date and time, as RFC 3339 in UTC and in a time zone if one is given.",
        parameters={
            "type": "object",
            "properties": {"timezone": {**_TEXT, "description": "IANA name, e.g. Europe/Berlin"}},
            "additionalProperties": False,
        },
        risk="low",
        idempotent=True,
        verified=True,
    ),
    ToolSpec(
        name="json_parse",
        description="Parse a JSON text and return its value.",
        parameters={
            "type": "object",
            "properties": {"text": _TEXT},
            "required": ["text"],
            "additionalProperties": False,
        },
        risk="low",
        idempotent=True,
        verified=True,
    ),
    ToolSpec(
        name="json_get",
        description="Return the part of a JSON value that a JSON Pointer (RFC 6901) names.",
        parameters={
            "type": "object",
            "properties": {"value": {}, "pointer": {**_TEXT, "pattern": "^(/.*)?$"}},
            "required": ["value", "pointer"],
            "additionalProperties": False,
        },
        risk="low",
        idempotent=True,
        verified=True,
    ),
)


class _Basic(ToolProvider):
    def __init__(self, context: PluginContext) -> None:
        self._context = context

    async def tools(self) -> Sequence[ToolSpec]:
        return SPECS

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        if name == "clock":
            return self._clock(arguments.get("timezone"))
        if name == "json_parse":
            return _parse(arguments["text"])
        if name == "json_get":
            return _point(arguments["value"], arguments["pointer"])
        raise NotFound(f"no tool {name!r} here")

    def _clock(self, zone: str | None) -> dict[str, Any]:
        now = self._context.clock.now()
        answer: dict[str, Any] = {"utc": rfc3339(now), "epoch_ms": self._context.clock.now_ms()}
        if zone:
            try:
                local = now.astimezone(ZoneInfo(zone))
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise InvalidRequest(f"unknown time zone {zone!r}", hint="an IANA name such as Europe/Berlin") from None
            answer |= {"local": local.isoformat(timespec="seconds"), "timezone": zone, "weekday": local.strftime("%A")}
        return answer


@asynccontextmanager
async def open_basic(_config: NoConfig, context: PluginContext) -> AsyncIterator[ToolProvider]:
    """Open the basic tools."""
    yield _Basic(context)


def _parse(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"not JSON: {error}") from None


def _point(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise NotFound(f"{pointer!r} names nothing in the value (at {key!r})")
    return value
