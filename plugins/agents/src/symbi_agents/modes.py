"""Execution modes, in the seed's words and in the forms that upstream's clients send."""

from __future__ import annotations

import re
from typing import Any, get_args

from symbi.contracts.agents import ExecutionMode
from symbi.contracts.errors import InvalidRequest

__all__ = ["mode_of"]

_MODES = get_args(ExecutionMode)
_LONGEST_INTERVAL = 86_400


def mode_of(value: Any) -> tuple[ExecutionMode, int | None]:
    """Return the mode and, for an external agent, its heartbeat interval in seconds.

    Takes `"event_driven"`, `"EventDriven"`, `{"External": {"heartbeat_interval_secs": 30}}` and the like. Raises `InvalidRequest`.
    """
    if value is None:
        return "ephemeral", None
    facts: Any = {}
    if isinstance(value, dict) and len(value) == 1:
        value, facts = next(iter(value.items()))
    if not isinstance(value, str):
        raise _wrong(value)
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).lower()
    word = {"cron_scheduled": "scheduled"}.get(word, word)
    if word not in _MODES:
        raise _wrong(value)
    return word, _interval(facts) if word == "external" else None  # type: ignore[return-value]  # checked against the literal's words above


def _interval(facts: Any) -> int:
    seconds = facts.get("heartbeat_interval_secs", 60) if isinstance(facts, dict) else None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= _LONGEST_INTERVAL:
        raise InvalidRequest(
            f"heartbeat_interval_secs must be from 1 to {_LONGEST_INTERVAL}",
            details={"field": "execution_mode.External.heartbeat_interval_secs", "reason": "out_of_range"},
        )
    return seconds


def _wrong(value: Any) -> InvalidRequest:
    return InvalidRequest(
        f"unknown execution_mode {value!r}",
        hint=f"one of {', '.join(_MODES)}",
        details={"field": "execution_mode", "reason": "invalid"},
    )
