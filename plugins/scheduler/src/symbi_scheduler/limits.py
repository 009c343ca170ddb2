"""Bounds of what a schedule may hold, so that no request makes the scheduler slow or large."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scheduling import ScheduleOptions, ScheduleRequest
from symbi_scheduler.conditions import check_hours

__all__ = ["check_limits"]

DELIVERY_PREFIX = "SYMBI_DELIVERY_"
_MAX_INPUT = 256 * 1024
_MAX_POLICIES = 32
_MAX_TARGETS = 16
_BOUNDS: dict[str, tuple[float, float]] = {
    "max_concurrent": (0, 10_000),
    "queue_limit": (1, 10_000),
    "catchup_window_seconds": (0, 31_536_000),
    "catchup_limit": (1, 10_000),
    "misfire_grace_seconds": (0, 31_536_000),
    "jitter_seconds": (0, 86_400),
    "max_retries": (0, 100),
    "retry_base_seconds": (0, 86_400),
    "retry_cap_seconds": (0, 86_400),
    "pause_after_failures": (0, 10_000),
    "timeout_seconds": (0.001, 31_536_000),
}


def check_limits(request: ScheduleRequest) -> None:
    """Raise InvalidRequest, naming the field, for what is empty, too long or out of range."""
    _text("name", request.name, 200)
    _text("agent_name", request.agent_name, 200)
    _text("timezone", request.timezone, 64)
    if request.calendar is not None:
        _text("calendar", request.calendar, 100)
    if request.max_fires is not None and not 1 <= request.max_fires <= 2**31 - 1:
        raise _wrong("max_fires", "max_fires counts from 1")
    if len(request.policy_ids) > _MAX_POLICIES:
        raise _wrong("policy_ids", f"at most {_MAX_POLICIES} policies")
    for policy in request.policy_ids:
        _text("policy_ids", policy, 200)
    if len(request.delivery) > _MAX_TARGETS:
        raise _wrong("delivery", f"at most {_MAX_TARGETS} targets")
    if len(msgspec.json.encode([request.input, request.delivery])) > _MAX_INPUT:
        raise _wrong("input", f"input and delivery together take at most {_MAX_INPUT} bytes")
    for spec in request.delivery:
        _environment(spec.config)
    _options(request.options)
    check_hours(request.options)


def _environment(value: Any) -> None:
    """A target's settings may name environment variables only by a prefix of their own, or any secret could be sent anywhere."""
    if isinstance(value, dict):
        name = value.get("env")
        if set(value) == {"env"} and not (isinstance(name, str) and name.startswith(DELIVERY_PREFIX)):
            raise _wrong("delivery", f"an environment variable named by a target must begin with {DELIVERY_PREFIX}")
        for each in value.values():
            _environment(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _environment(each)


def _options(options: ScheduleOptions) -> None:
    for name, (low, high) in _BOUNDS.items():
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise _wrong(f"options.{name}", f"{name} lies between {low:g} and {high:g}")


def _text(field: str, value: str, longest: int) -> None:
    if not value.strip():
        raise _wrong(field, f"{field} is empty")
    if len(value) > longest:
        raise _wrong(field, f"{field} has at most {longest} characters")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise _wrong(field, f"{field} holds control characters")


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, details={"field": field})
